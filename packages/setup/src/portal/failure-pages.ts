import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import type { ErrorRequestHandler } from 'express';
import { SetupError } from '../errors.ts';
import { refusalPage } from './pages/refusal.ts';
import { outage, Refusal, refusals } from './refusals.ts';

/** Whatever went wrong as a page: rich in the log, quiet outside. */
export function failurePages(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const refusal = refusalOf(error);
    if (refusal.status >= 500) {
      const remedy = error instanceof SetupError ? ` ${error.remedy}` : '';
      log.warn(`${request.method} ${request.path} failed: ${messageOf(error)}${remedy}`);
    } else if (refusal.cause !== undefined) {
      log.warn(`${request.method} ${request.path} refused: ${refusal.message}`, {
        cause: messageOf(refusal.cause),
      });
    }
    if (refusal.status === 503) response.set('Retry-After', '30');
    response.status(refusal.status).type('html').send(refusalPage(refusal));
  };
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  // What express itself throws: a body or a URL that cannot be read.
  if (error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500) {
    return error.status === 413 || error.status === 415
      ? refusals.unusableBody(error.status)
      : refusals.unusableBody(400);
  }
  return outage(error);
}
