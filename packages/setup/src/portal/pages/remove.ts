import { html } from '@mcp-keyhole/cli-kit';
import type { OwnClient } from '../own-clients.ts';
import type { Session } from '../sessions.ts';
import { hostTitle } from './home.ts';
import { csrfField, portalPage } from './layout.ts';

/** Asks before a client is removed. */
export function removePage(session: Session, client: OwnClient): string {
  return portalPage(
    session,
    `Remove ${client.name}`,
    html`<h1>Remove <strong>${client.name}</strong>?</h1>
      <p class="lead">
        ${hostTitle(client)} will no longer get at the server with it: its sign-in ends, and nobody can sign
        in with it again. This cannot be undone.
      </p>
      <form method="post" action="/clients/${client.id}/remove">
        ${csrfField(session)}
        <div class="actions">
          <button type="submit" class="danger">Remove</button>
          <a class="button plain" href="/clients/${client.id}">Keep it</a>
        </div>
      </form>`,
  );
}
