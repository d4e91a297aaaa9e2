import { html, type Html } from '@mcp-keyhole/cli-kit';
import type { Store } from '../store/store.ts';
import { differences } from './differences.ts';
import { page } from './layout.ts';

/**
 * The page at `/`: what this is, and where it is not as FusionAuth is.
 *
 * @param data the folder in which everything is kept; undefined when it is only in memory
 */
export function homePage(store: Store, data: string | undefined): string {
  return page(
    'FusionAuth emulator',
    html`<h1>It is running</h1>
      <p class="lead">
        This speaks FusionAuth’s OAuth endpoints and management API on this machine, for trying out,
        development and tests. It has no admin
        UI${data === undefined ? ', and forgets everything when it ends.' : '.'}
      </p>
      <dl class="facts">
        <dt>Speaks as</dt>
        <dd>FusionAuth ${store.version}</dd>
        <dt>Issuer</dt>
        <dd>${store.tenant.issuer}</dd>
        <dt>Licensed</dt>
        <dd>${store.licensed ? 'yes' : 'no'}</dd>
        <dt>Applications</dt>
        <dd>${store.applications.size}</dd>
        <dt>Users</dt>
        <dd>${store.users.size}</dd>
        ${
          data === undefined
            ? undefined
            : html`<dt>Kept in</dt>
                <dd>${data}</dd>`
        }
      </dl>
      <h2>Where to look</h2>
      <p><a href="/.well-known/openid-configuration">OpenID configuration</a></p>
      <h2>Where it differs from FusionAuth</h2>
      <ul class="points">
        ${differences.map((sentence) => html`<li>${marked(sentence)}</li>`)}
      </ul>`,
  );
}

/** A sentence in which backticks mark code. */
function marked(sentence: string): Html {
  return html`${sentence
    .split('`')
    .map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`))}`;
}
