import type { Response, RequestHandler } from 'express';
import type { Observation } from './observation.ts';
import { withinRequest, type RequestContext } from './request-context.ts';
import { requestId } from './request-id.ts';

const methods = ['GET', 'POST', 'DELETE', 'OPTIONS', 'HEAD'];
const routes = ['/mcp', '/healthz', '/readyz'];

/**
 * Gives every request its id, which its answer and all its log lines carry, and measures it. Everything that follows runs
 * within the request: see `currentRequest`.
 */
export function observedRequests({ metrics, tracing }: Observation): RequestHandler {
  return (request, response, next) => {
    const begin = performance.now();
    const id = requestId(request.headers['x-request-id']);
    // Strangers choose methods and paths: only known ones become labels and names.
    const method = methods.includes(request.method) ? request.method : 'other';
    const route = routeOf(request.path);
    const { ip: address } = request;
    const span = tracing.request(`${method} ${route}`, request.headers, {
      'http.request.method': method,
      'http.route': route,
      'url.scheme': request.protocol,
      'mcp_keyhole.request_id': id,
      ...(address !== undefined && { 'client.address': address }),
    });
    response.set('X-Request-Id', id);
    metrics.opened(response);
    // Not `finish`: a client that goes away has an end as well.
    response.once('close', () => {
      const status = statusOf(response);
      metrics.request({ method, route, status: String(status) }, (performance.now() - begin) / 1_000);
      span.end({ 'http.response.status_code': status }, status >= 500 ? String(status) : undefined);
    });
    const context: RequestContext = { id, address, begin, span };
    withinRequest(context, () => next());
  };
}

/** What came of a request that is over: 499 where the client went away before its answer had begun. */
export function statusOf(response: Response): number {
  return response.headersSent ? response.statusCode : 499;
}

function routeOf(path: string): string {
  if (path.startsWith('/.well-known/oauth-protected-resource')) return 'metadata';
  return routes.includes(path) ? path : 'other';
}
