import { html, page, type Html, type PageFrame } from '@mcp-keyhole/cli-kit';
import type { Session } from '../sessions.ts';
import { portalStyle } from './style.ts';

/** What all pages share around their content. */
export const frame: PageFrame = { mark: 'MCP client portal', footer: undefined, style: portalStyle };

/** A page for whoever is signed in; undefined for nobody. */
export function portalPage(session: Session | undefined, title: string, content: Html): string {
  return page(
    { ...frame, aside: session === undefined ? undefined : whoIsSignedIn(session) },
    `${title} · MCP client portal`,
    content,
  );
}

function whoIsSignedIn(session: Session): Html {
  return html`<div class="aside">
    <span class="who" title="${session.user.name}">${session.user.name}</span>
    <form method="post" action="/sign-out">
      ${csrfField(session)}
      <button type="submit" class="plain small">Sign out</button>
    </form>
  </div>`;
}

/** What every form has to bring back. */
export function csrfField({ csrf }: Session): Html {
  return html`<input type="hidden" name="csrf" value="${csrf}" />`;
}

/** What was done by the form before. */
export function noticeLine(notice: string | undefined): Html | undefined {
  return notice === undefined ? undefined : html`<div class="status" role="status">${notice}</div>`;
}
