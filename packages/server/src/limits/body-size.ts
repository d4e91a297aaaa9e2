import type { RequestHandler } from 'express';
import { jsonRpcError } from '../json-rpc-error.ts';

/** Bytes of the largest request body: tool arguments are small, and a body is held in memory as a whole. */
export const maxRequestBodySize = 1024 * 1024;

/**
 * Refuses a body that says beforehand that it is too large, with 413, whoever sends it, and closes the connection so that
 * it need not be read. One that does not say so is cut where it is read.
 */
export const declaredBodySize: RequestHandler = (request, response, next) => {
  if (!(Number(request.headers['content-length']) > maxRequestBodySize)) {
    next();
    return;
  }
  response.set('Connection', 'close');
  response
    .status(413)
    .json(
      jsonRpcError(-32_000, `Payload Too Large: Request body must not exceed ${maxRequestBodySize} bytes`),
    );
};
