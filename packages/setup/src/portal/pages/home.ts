import { html, type Html } from '@mcp-keyhole/cli-kit';
import { offered } from '../host-guide.ts';
import type { OwnClient } from '../own-clients.ts';
import type { Session } from '../sessions.ts';
import { noticeLine, portalPage } from './layout.ts';

/** The first page, for who is not signed in. */
export function welcomePage(mcpServerUrl: string): string {
  return portalPage(
    undefined,
    'Welcome',
    html`<h1>Connect your MCP host</h1>
      <p class="lead">
        Register an MCP client of your own for <strong>${mcpServerUrl}</strong>, and get the configuration to
        paste into Claude Desktop, Cursor, VS Code and others.
      </p>
      <div class="actions"><a class="button" href="/sign-in">Sign in with FusionAuth</a></div>`,
  );
}

export function signedOutPage(logoutUrl: string): string {
  return portalPage(
    undefined,
    'Signed out',
    html`<h1>You are signed out</h1>
      <p class="lead">
        FusionAuth may still remember you: on a computer that is not yours, sign out there too.
      </p>
      <div class="actions">
        <a class="button" href="${logoutUrl}">Sign out of FusionAuth too</a>
        <a class="button plain" href="/sign-in">Sign in again</a>
      </div>`,
  );
}

/** The first page, for who is signed in: their clients. */
export function homePage(
  session: Session,
  model: { clients: readonly OwnClient[]; maxClients: number; notice: string | undefined },
): string {
  const { clients, maxClients } = model;
  const full = clients.length >= maxClients;
  return portalPage(
    session,
    'Your clients',
    html`${noticeLine(model.notice)}
      <h1>Your clients</h1>
      <p class="lead">
        ${
          clients.length === 0
            ? 'You have none yet. A client stands for one MCP host on your computer.'
            : `You have ${String(clients.length)} of at most ${String(maxClients)}.`
        }
      </p>
      ${
        clients.length === 0
          ? undefined
          : html`<ul class="clients">
              ${clients.map(row)}
            </ul>`
      }
      <div class="actions">
        ${
          full
            ? html`<p class="hint">To register another one, remove one that you do not use any more.</p>`
            : html`<a class="button" href="/clients/new">Register a client</a>`
        }
      </div>`,
  );
}

function row(client: OwnClient): Html {
  const { id, name, callbackPort, connector } = client;
  return html`<li>
    <span class="what">
      <a href="/clients/${id}">${name}</a>
      <span class="why"
        >${hostTitle(client)}${
          connector === undefined ? html` · <span class="whole">port ${callbackPort}</span>` : undefined
        }${since(client)}</span
      >
    </span>
    <a href="/clients/${id}/remove" aria-label="Remove ${name}">Remove</a>
  </li>`;
}

export function hostTitle({ host, connector }: OwnClient): string {
  if (connector !== undefined) return connector.title;
  return offered.find(({ id }) => id === host)?.title ?? 'Another host';
}

/** The day in UTC, the same for every reader. */
function since({ registered }: OwnClient): Html | undefined {
  if (registered === undefined) return undefined;
  return html` · <span class="whole">registered ${new Date(registered).toISOString().slice(0, 10)}</span>`;
}
