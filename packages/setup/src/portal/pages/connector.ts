import { html } from '@mcp-keyhole/cli-kit';
import type { Connector } from '../../clients/connectors.ts';
import type { OwnClient } from '../own-clients.ts';
import type { Session } from '../sessions.ts';
import { copyable } from './client.ts';
import { noticeLine, portalPage } from './layout.ts';

/** A client of a host that signs in by itself: what is entered there, and where. */
export function connectorPage(
  session: Session,
  model: {
    client: OwnClient;
    connector: Connector;
    /** Only right after it was registered. */
    clientSecret: string | undefined;
    notice: string | undefined;
  },
): string {
  const { client, connector, clientSecret } = model;
  return portalPage(
    session,
    client.name,
    html`<a class="back" href="/">← Your clients</a>
      ${noticeLine(model.notice)}
      <h1>${client.name}</h1>
      <p class="lead">${connector.title}</p>
      <p>Enter this there, under: ${connector.place}.</p>
      <h2>Server</h2>
      ${copyable('server', 'Server', client.resource)}
      <h2>Client id</h2>
      ${copyable('client-id', 'Client id', client.id)}
      ${
        clientSecret === undefined
          ? undefined
          : html`<h2>Client secret</h2>
              ${copyable('client-secret', 'Client secret', clientSecret)}
              <p class="hint">It is shown only now: copy it before you leave this page.</p>`
      }
      ${
        connector.confidential && clientSecret === undefined
          ? html`<p class="hint">
              Its client secret was shown when it was registered. If you have lost it, remove this client and
              register another one.
            </p>`
          : undefined
      }
      <div class="actions">
        <a class="button plain" href="/clients/${client.id}/remove">Remove this client</a>
      </div>`,
  );
}
