import { html } from '@mcp-keyhole/cli-kit';
import type { OAuthError } from '../oauth/oauth-error.ts';
import { page } from './layout.ts';

/** What the developer of the client should do about an error that could not be sent to the client. */
const remedies: Readonly<Record<string, string>> = {
  invalid_redirect_uri:
    'The redirect URI has to be one of the application’s authorized redirect URLs, character for character, port included. Register it, or start the client on a registered port.',
  invalid_client_id:
    'No active application has this client id. Without --data the emulator forgets its applications when it ends: register the client again.',
};

/** The page for an authorization request that must not be redirected, with FusionAuth's JSON for the developer. */
export function oauthErrorPage(error: OAuthError): string {
  const remedy = remedies[error.reason];
  return page(
    'Sign-in cannot continue',
    html`<h1>Sign-in cannot continue</h1>
      <p class="lead">The application sent a request that cannot be answered. Nothing was shared with it.</p>
      <div class="alert" role="alert">${error.message}</div>
      ${remedy === undefined ? undefined : html`<p>${remedy}</p>`}
      <h2>For the developer</h2>
      <pre>${JSON.stringify(error.toJSON(), null, 2)}</pre>`,
  );
}

/** A page that says one thing. */
export function messagePage(title: string, message: string): string {
  return page(
    title,
    html`<h1>${title}</h1>
      <p class="lead">${message}</p>`,
  );
}
