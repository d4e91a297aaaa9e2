import type { Log } from '@mcp-keyhole/cli-kit';
import { Router } from 'express';
import { signedOutPage } from './pages/home.ts';
import { refusals } from './refusals.ts';
import { formSessionOf } from './requests.ts';
import type { Sessions } from './sessions.ts';
import type { SignIn } from './sign-in.ts';

/** Signing in and out. @param logoutUrl where FusionAuth's own session is ended */
export function signInRoutes(signIn: SignIn, sessions: Sessions, log: Log, logoutUrl: string): Router {
  const router = Router();

  router.get('/sign-in', async (request, response) => {
    const { url, pending } = await signIn.begin(ownPath(request.query['to']));
    sessions.remember(request, response, pending);
    response.redirect(302, url.href);
  });

  router.get('/callback', async (request, response) => {
    const { state } = request.query;
    const pending = typeof state === 'string' ? sessions.recall(request, state) : undefined;
    if (pending === undefined) throw refusals.signInExpired();
    const user = await signIn.complete(new URL(request.originalUrl, 'http://portal').search, pending);
    sessions.begin(request, response, user);
    log.info('signed in', { user: user.id });
    response.redirect(303, pending.to);
  });

  router.post('/sign-out', (request, response) => {
    const { user } = formSessionOf(sessions, request);
    sessions.end(request, response);
    log.info('signed out', { user: user.id });
    response.redirect(303, '/signed-out');
  });

  router.get('/signed-out', (_request, response) => {
    response.type('html').send(signedOutPage(logoutUrl));
  });

  return router;
}

/** A page of the portal to come back to; whatever else is asked for, its first one. */
function ownPath(to: unknown): string {
  return typeof to === 'string' && /^\/clients(?:\/[\w-]{1,64})*(?:\?[\w=&-]{0,200})?$/u.test(to) ? to : '/';
}
