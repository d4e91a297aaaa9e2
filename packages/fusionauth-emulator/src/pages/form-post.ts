import { html } from '@mcp-keyhole/cli-kit';
import { page } from './layout.ts';

/** The page of `response_mode=form_post`. Pages here run no scripts, so the user sends the form. */
export function formPostPage(action: string, fields: URLSearchParams): string {
  return page(
    'Continue',
    html`<h1>Continue</h1>
      <p class="lead">One more step takes you back to the application.</p>
      <form method="post" action="${action}">
        ${[...fields].map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
        <div class="actions"><button type="submit">Continue</button></div>
      </form>`,
  );
}
