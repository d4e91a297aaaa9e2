import http, { type AgentOptions } from 'node:http';
import type https from 'node:https';
import { tlsOptions, type NetworkSettings } from '../network.ts';
import { Clock, seconds, usualTimeout } from './clock.ts';
import type { Exchange, HttpRequest, HttpResponse } from './exchange.ts';
import { ConnectionLost, failureFrom, reasonOf } from './failures.ts';

/** A connection that nobody uses is closed before servers do so, which keep most for 5 s. */
const idleAtMost = 4_000;
/** After so many milliseconds of silence the system asks whether the other end is still there. */
const askedAfter = 15_000;

/** Exchanges by Node's own client. */
export function createDirectExchange(
  settings: NetworkSettings,
  env: Readonly<Record<string, string | undefined>>,
): Exchange {
  const options: AgentOptions & { keepAliveInitialDelay: number } = {
    keepAlive: true,
    keepAliveInitialDelay: askedAfter,
    noDelay: true,
    timeout: idleAtMost,
    ...(settings.ipv4 ? { family: 4 } : {}),
  };
  const httpAgent = new http.Agent(options);
  let secure: Promise<{ readonly request: typeof https.request; readonly agent: https.Agent }> | undefined;
  return async (request) => {
    if (request.url.protocol === 'http:') return exchange(http.request, httpAgent, request, settings);
    // Node's TLS is loaded by who needs it.
    secure ??= import('node:https').then(async ({ default: { Agent, request: send } }) => {
      const agent = new Agent({ ...options, ...(await tlsOptions(settings, env)) });
      return { request: send, agent };
    });
    const { request: send, agent } = await secure;
    return exchange(send, agent, request, settings);
  };
}

function exchange(
  send: typeof http.request,
  agent: http.Agent,
  { url, method, headers, body, signal }: HttpRequest,
  settings: NetworkSettings,
): Promise<HttpResponse> {
  const { bodyTimeout = usualTimeout } = settings;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    let isConnected = false;
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    const request = begun(() => send(url, { method, agent, headers: { ...headers, ...length } }));
    let answer: http.IncomingMessage | undefined;
    const onAbort = (): void => {
      // Not the request with an error: it empties the answer, and when that was all there throws the error at nobody.
      if (answer === undefined) request.destroy();
      else answer.destroy(new ConnectionLost(reasonOf(signal.reason), { cause: signal.reason }));
    };
    signal.addEventListener('abort', onAbort);
    const clock = new Clock(settings, (error) => {
      request.destroy(error);
    });
    const onConnect = (): void => {
      isConnected = true;
      clock.connected();
    };
    request.once('socket', (socket) => {
      if (!socket.connecting) {
        onConnect();
        return;
      }
      clock.connecting();
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', onConnect);
    });
    request.once('response', (response) => {
      answer = response;
      clock.stop();
      response.setTimeout(bodyTimeout, () => {
        // What is there already may be read late.
        if (response.complete) return;
        response.destroy(new ConnectionLost(`the answer paused for ${seconds(bodyTimeout)}`));
      });
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response });
    });
    request.once('close', () => {
      clock.stop();
      signal.removeEventListener('abort', onAbort);
    });
    request.on('error', (error) => {
      reject(signal.aborted ? signal.reason : failureFrom(error, isConnected));
    });
    request.end(body);
  });
}

/** A request that cannot even be begun, such as with a key that is not that of its certificate, is not sent. */
function begun(begin: () => http.ClientRequest): http.ClientRequest {
  try {
    return begin();
  } catch (error) {
    throw failureFrom(error, false);
  }
}
