import type { EndpointPolicy } from './endpoint-policy.ts';
import type { BoundedFetch } from './types.ts';

const requestDeadline = 15_000;
const largestAnswer = 1_048_576;
const mostRedirects = 3;

/**
 * The fetch for everything that servers lead us to: metadata and token requests. Each answer is read whole within 15 s
 * and 1 MiB; every address passes the policy; a GET is redirected only within its origin, or not at all with
 * `redirect: 'manual'`; a POST never.
 *
 * @throws ProxyError `insecure-endpoint`, or the Error of a failed request
 */
export function createBoundedFetch(
  policy: EndpointPolicy,
  base: typeof fetch,
  signal: AbortSignal,
): BoundedFetch {
  return async (address, init = {}) => {
    let url = policy('address', address.href);
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(requestDeadline)]);
    for (let redirects = 0; ; redirects += 1) {
      const response = await base(url, { ...init, redirect: 'manual', signal: bounded });
      const target = redirectTarget(response, url);
      if (target === undefined || init.method === 'POST' || init.redirect === 'manual')
        return readWhole(response);
      await response.body?.cancel();
      if (target.origin !== url.origin) throw new Error(`it redirects to another origin (${target.origin})`);
      if (redirects === mostRedirects) throw new Error('it redirects too often');
      url = target;
    }
  };
}

function redirectTarget(response: Response, from: URL): URL | undefined {
  const location = response.headers.get('location');
  if (response.status < 300 || response.status > 399 || location === null) return undefined;
  return URL.canParse(location, from.href) ? new URL(location, from) : undefined;
}

/** The same response with its body in memory, so that a deadline and a limit cover the reading too. */
async function readWhole(response: Response): Promise<Response> {
  if (response.body === null) return response;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > largestAnswer) throw new Error('its answer is larger than 1 MiB');
    chunks.push(chunk);
  }
  const { status, statusText, headers } = response;
  const empty = status === 204 || status === 205 || status === 304;
  return new Response(empty ? null : Buffer.concat(chunks), { status, statusText, headers });
}
