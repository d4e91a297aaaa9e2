import type { Log } from '@mcp-keyhole/cli-kit';
import { Router, type Request } from 'express';
import { SetupError } from '../errors.ts';
import { guideFor, type Choice } from './host-guide.ts';
import type { OwnClients } from './own-clients.ts';
import { clientPage } from './pages/client.ts';
import { connectorPage } from './pages/connector.ts';
import { homePage, welcomePage } from './pages/home.ts';
import { registerPage } from './pages/register.ts';
import { removePage } from './pages/remove.ts';
import type { PortalConfig } from './config.ts';
import { emptyForm, readRegistration, type RegistrationForm } from './registration-form.ts';
import { fieldsOf, formSessionOf, platformOf, sessionOf } from './requests.ts';
import type { Sessions } from './sessions.ts';

/** A user's clients: list, register, look at, remove. Each asks {@link OwnClients} as the user who is signed in. */
export function clientRoutes(
  clients: OwnClients,
  sessions: Sessions,
  config: Pick<PortalConfig, 'mcpServerUrl' | 'maxClients'>,
  log: Log,
): Router {
  const router = Router();

  router.get('/', async (request, response) => {
    const session = sessions.of(request);
    if (session === undefined) {
      response.type('html').send(welcomePage(config.mcpServerUrl));
      return;
    }
    const list = await clients.list(session.user.id);
    const { notice } = session;
    session.notice = undefined;
    response.type('html').send(homePage(session, { clients: list, maxClients: config.maxClients, notice }));
  });

  router.get('/clients', (_request, response) => {
    response.redirect(303, '/');
  });

  router.get('/clients/new', (request, response) => {
    response.type('html').send(registerPage(sessionOf(sessions, request), emptyForm));
  });

  router.post('/clients', async (request, response) => {
    const session = formSessionOf(sessions, request);
    const { user } = session;
    const form = readRegistration(fieldsOf(request));
    const sendAgain = (status: number, again: RegistrationForm): void => {
      response.status(status).type('html').send(registerPage(session, again));
    };
    if (form.request === undefined) {
      sendAgain(422, form);
      return;
    }
    try {
      const { name } = form.request;
      const { id, clientSecret } = await clients.register(user.id, form.request);
      log.info('registered a client', { user: user.id, client: id, name });
      session.notice = `Registered ${name}.`;
      session.secret = clientSecret === undefined ? undefined : { id, clientSecret };
      response.redirect(303, `/clients/${id}`);
    } catch (error) {
      if (!(error instanceof SetupError) || error.code !== 'name-taken') throw error;
      // Not whose: that is nobody's business.
      sendAgain(409, {
        ...form,
        problems: { name: 'A client of that name exists already. Choose another name.' },
      });
    }
  });

  router.get('/clients/:id', async (request: Request<{ id: string }>, response) => {
    const session = sessionOf(sessions, request);
    const client = await clients.find(session.user.id, request.params.id);
    const { notice, secret } = session;
    session.notice = undefined;
    if (secret?.id === client.id) session.secret = undefined;
    const page =
      client.connector === undefined
        ? clientPage(session, { client, notice, guide: guideFor(client, choiceOf(request, client.host)) })
        : connectorPage(session, {
            client,
            connector: client.connector,
            notice,
            clientSecret: secret?.id === client.id ? secret.clientSecret : undefined,
          });
    response.type('html').send(page);
  });

  router.get('/clients/:id/remove', async (request: Request<{ id: string }>, response) => {
    const session = sessionOf(sessions, request);
    response.type('html').send(removePage(session, await clients.find(session.user.id, request.params.id)));
  });

  router.post('/clients/:id/remove', async (request: Request<{ id: string }>, response) => {
    const session = formSessionOf(sessions, request);
    const client = await clients.remove(session.user.id, request.params.id);
    log.info('removed a client', { user: session.user.id, client: client.id, name: client.name });
    session.notice = `Removed ${client.name}.`;
    response.redirect(303, '/');
  });

  return router;
}

/** For which host and platform a page shows the configuration: as the links on it say, else as it is likely. */
function choiceOf(request: Request, host: string): Choice {
  const { host: asked, platform } = request.query;
  return {
    host: typeof asked === 'string' ? asked : host,
    platform: typeof platform === 'string' ? platform : platformOf(request),
  };
}
