import { pageHeaders, type Log } from '@mcp-keyhole/cli-kit';
import express, { type Express, type RequestHandler } from 'express';
import type { FusionAuth } from '../fusionauth.ts';
import { clientRoutes } from './client-routes.ts';
import type { PortalConfig } from './config.ts';
import { failurePages } from './failure-pages.ts';
import { OwnClients } from './own-clients.ts';
import { frame } from './pages/layout.ts';
import type { PortalClient } from './portal-client.ts';
import { refusals } from './refusals.ts';
import { formBody } from './requests.ts';
import { Sessions } from './sessions.ts';
import { signInRoutes } from './sign-in-routes.ts';
import { SignIn } from './sign-in.ts';

/** What a portal is made of. */
export interface PortalParts {
  readonly fusionAuth: FusionAuth;
  readonly client: PortalClient;
  readonly log: Log;
  /** Milliseconds that only grow, for how long sessions last. Default: `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/** The portal as an express app, not listening: developers sign in, register their MCP clients, see and remove them. */
export function createPortal(config: PortalConfig, { fusionAuth, client, log, now }: PortalParts): Express {
  const sessions = new Sessions(config.portalUrl, now);
  const app = express().disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.use(
    headers(config.portalUrl),
    ownHostOnly(config.portalUrl),
    formBody,
    signInRoutes(
      new SignIn(config, client),
      sessions,
      log,
      `${config.publicUrl}/oauth2/logout?client_id=${client.clientId}`,
    ),
    clientRoutes(new OwnClients(fusionAuth, config), sessions, config, log),
    () => {
      throw refusals.notFound();
    },
    failurePages(log),
  );
  return app;
}

/** What every answer says to browsers, redirects and failures included. */
function headers(portalUrl: string): RequestHandler {
  const always = {
    ...pageHeaders(frame),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
    ...(portalUrl.startsWith('https:') ? { 'Strict-Transport-Security': 'max-age=31536000' } : {}),
  };
  return (_request, response, next) => {
    response.set(always);
    next();
  };
}

/**
 * Answers only under the portal's own name: another site's name can be led to this address (DNS rebinding). Who says
 * `localhost` for 127.0.0.1 is sent there, since cookies and redirect URI have one name only.
 */
function ownHostOnly(portalUrl: string): RequestHandler {
  const own = new URL(portalUrl);
  return (request, response, next) => {
    const host = request.get('host');
    if (host === own.host) next();
    else if (request.method === 'GET' && host === `localhost:${own.port}` && own.hostname === '127.0.0.1') {
      response.redirect(307, `${portalUrl}${request.originalUrl}`);
    } else throw refusals.wrongHost(portalUrl);
  };
}
