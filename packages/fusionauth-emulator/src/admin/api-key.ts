import type { Request, RequestHandler } from 'express';
import type { Store } from '../store/store.ts';
import type { ApiKey } from '../store/types.ts';

/** The API key of a request that may do what it asks: raw in `Authorization`, without a scheme. */
export function apiKeyOf(
  store: Store,
  request: Pick<Request, 'get' | 'method' | 'originalUrl'>,
): ApiKey | undefined {
  const key = store.apiKeys.get(request.get('authorization')?.trim() ?? '');
  return key !== undefined && permits(key, request.method, request.originalUrl.split('?')[0] ?? '')
    ? key
    : undefined;
}

/** Lets only requests with an API key pass; others get 401 with an empty body, as from FusionAuth. */
export function requireApiKey(store: Store): RequestHandler {
  return (request, response, next) => {
    if (apiKeyOf(store, request) === undefined) response.status(401).end();
    else next();
  };
}

function permits({ permissions }: ApiKey, method: string, path: string): boolean {
  if (permissions === undefined) return true;
  const [, methods] =
    Object.entries(permissions)
      .filter(([endpoint]) => path === endpoint || path.startsWith(`${endpoint}/`))
      .sort(([left], [right]) => right.length - left.length)[0] ?? [];
  return methods?.includes(method) === true;
}
