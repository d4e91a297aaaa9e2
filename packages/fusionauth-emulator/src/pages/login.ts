import { html } from '@mcp-keyhole/cli-kit';
import { page } from './layout.ts';

/** Who the page signs in to what. */
export interface LoginPage {
  readonly applicationName: string;
  readonly csrf: string;
  readonly loginId: string;
  /** What was wrong with the last try. */
  readonly problem?: string;
}

export function loginPage(model: LoginPage): string {
  const { problem } = model;
  return page(
    'Sign in',
    html`<h1>Sign in</h1>
      <p class="lead">to continue to <strong>${model.applicationName}</strong></p>
      ${problem === undefined ? undefined : html`<div class="alert" role="alert" id="problem">${problem}</div>`}
      <form method="post">
        <input type="hidden" name="csrf" value="${model.csrf}" />
        <label for="loginId">Email or username</label>
        <input
          type="text"
          id="loginId"
          name="loginId"
          value="${model.loginId}"
          autocomplete="username"
          autocapitalize="none"
          spellcheck="false"
          required${model.loginId === '' ? html` autofocus` : undefined}${problem === undefined ? undefined : html` aria-describedby="problem"`}
        />
        <label for="password">Password</label>
        <input
          type="password"
          id="password"
          name="password"
          autocomplete="current-password"
          required${model.loginId === '' ? undefined : html` autofocus`}
        />
        <label class="check"
          ><input type="checkbox" name="rememberDevice" value="true" checked />
          <span>Keep me signed in</span></label
        >
        <div class="actions"><button type="submit">Sign in</button></div>
      </form>`,
  );
}
