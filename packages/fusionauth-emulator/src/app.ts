import type { Log } from '@mcp-keyhole/cli-kit';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { ApiError } from './admin/api-error.ts';
import { emulatorRoutes } from './admin/emulator-routes.ts';
import { adminRoutes } from './admin/routes.ts';
import type { Context } from './context.ts';
import { cors } from './cors.ts';
import { loopbackHostOnly } from './host-check.ts';
import { oauthRoutes } from './oauth/routes.ts';
import { homePage } from './pages/home.ts';
import { sendPage } from './pages/send.ts';
import type { RequestRecord } from './request-record.ts';

/** The whole of FusionAuth that is emulated, as one express application. CORS is off until the system configuration turns it on. */
export function createApp(
  context: Context,
  options: { record: RequestRecord; loopbackOnly: boolean; data: string | undefined; log: Log },
): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(options.record.handler);
  app.use(context.faults.handler);
  if (options.loopbackOnly) app.use(loopbackHostOnly);
  app.use(cors(context.store));
  app.get('/', (_request, response) => {
    sendPage(response, homePage(context.store, options.data));
  });
  app.use(oauthRoutes(context));
  app.use('/emulator', emulatorRoutes(context));
  app.use(adminRoutes(context));
  app.use((_request, response) => {
    response.status(404).end();
  });
  app.use(failure(options.log));
  return app;
}

function failure(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
    } else if (error instanceof ApiError) {
      response.status(error.status);
      if (error.body === undefined) response.end();
      else response.json(error.body);
    } else if (isClientFault(error)) {
      const message = `Invalid JSON in the request body: ${error.message}`;
      response
        .status(error.status)
        .json({ fieldErrors: {}, generalErrors: [{ code: '[invalidJSON]', message }] });
    } else {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log.warn(`${request.method} ${request.path} failed: ${message}`);
      response.status(500).json({
        fieldErrors: {},
        generalErrors: [{ code: '[exception]', message: 'The emulator failed; its log on stderr says why.' }],
      });
    }
  };
}

/** What express's body readers throw: a body that is too large or cannot be parsed. */
function isClientFault(error: unknown): error is Error & { status: number } {
  return (
    error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500
  );
}
