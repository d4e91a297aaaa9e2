import { html } from '@mcp-keyhole/cli-kit';
import type { Store } from '../store/store.ts';
import { page } from './layout.ts';

/** The page at `/`: what this is. FusionAuth's admin UI is not part of it. */
export function homePage(store: Store): string {
  return page(
    'FusionAuth emulator',
    html`<h1>It is running</h1>
      <p class="lead">
        This speaks FusionAuth’s OAuth endpoints and management API on this machine, for trying out,
        development and tests. It has no admin UI, and forgets everything when it ends.
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
      </dl>
      <h2>Where to look</h2>
      <p><a href="/.well-known/openid-configuration">OpenID configuration</a></p>`,
  );
}
