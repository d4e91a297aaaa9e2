import http, { type AgentOptions } from 'node:http';
import type https from 'node:https';
import type { Duplex } from 'node:stream';
import { tlsOptions, type NetworkSettings } from '../network.ts';
import { Clock, seconds, usualTimeout } from './clock.ts';
import type { Exchange, HttpRequest, HttpResponse } from './exchange.ts';
import { ConnectionLost, failureFrom, reasonOf } from './failures.ts';

/** A connection that nobody uses is closed before servers do so, which keep most for 5 s. */
const idleAtMost = 4_000;
/** After so many milliseconds of silence the system asks whether the other end is still there. */
const askedAfter = 15_000;

/** When a connection was used last, in milliseconds of the wall clock, which goes on while the machine sleeps. */
const lastUse = new WeakMap<Duplex, number>();

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
    closeIdle(agent);
    let isConnected = false;
    let isWritten = false;
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
      if (request.socket !== null) lastUse.set(request.socket, Date.now());
    });
    request.on('error', (error) => {
      // A kept connection may end while a long request is on its way, and no server carries out a part of one.
      const isSent = isConnected && (isWritten || !request.reusedSocket);
      reject(signal.aborted ? signal.reason : failureFrom(error, isSent));
    });
    // Node says "finished" of what it could not write as well.
    request.end(body, () => (isWritten = request.socket?.errored === null));
  });
}

/** Closes what nobody has used for too long. The agent's own timer for that is late where the machine slept, or was busy. */
function closeIdle(agent: http.Agent): void {
  const earliest = Date.now() - idleAtMost;
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) {
      if ((lastUse.get(socket) ?? earliest) < earliest) socket.destroy();
    }
  }
}

/** A request that cannot even be begun, such as with a key that is not that of its certificate, is not sent. */
function begun(begin: () => http.ClientRequest): http.ClientRequest {
  try {
    return begin();
  } catch (error) {
    throw failureFrom(error, false);
  }
}
