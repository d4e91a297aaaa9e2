import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errors, type ProxyError } from '../errors.ts';
import { callbackHeaders, failurePage, notForUsPage, successPage } from './callback-page.ts';

/** The authorization response, with the browser still waiting to be told how it went. */
export interface AuthorizationResponse {
  /** The redirect URI with the response's parameters. */
  readonly url: URL;
  /** Shows the user that it worked, or leads to the page given; call it after the code exchange. */
  succeed(page?: URL): Promise<void>;
  /** Shows the user that it did not. */
  fail(error: ProxyError): Promise<void>;
}

/** Listens for one authorization response. */
export interface CallbackServer {
  readonly redirectUri: URL;
  /** Resolves with the first request that carries this state; answers all others and goes on waiting. */
  response(state: string, server: URL): Promise<AuthorizationResponse>;
  /** Ends listening; open connections are cut. */
  close(): Promise<void>;
}

/**
 * Listens on loopback, IPv4 and IPv6, before a browser opens, so that nobody else can hold the port by then.
 *
 * @throws ProxyError `callback-port-in-use`, `callback-host-unusable`
 */
export async function openCallbackServer(
  host: string,
  port: number,
  path = '/oauth/callback',
): Promise<CallbackServer> {
  let redirectUri = new URL(`http://${host}:${port}${path}`);
  let expected: Expected | undefined;
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response, redirectUri, expected);
  };
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(closeServer));
  };
  try {
    let chosen = port;
    for (const address of ['127.0.0.1', '::1']) {
      const server = await listen(address, chosen, handle);
      if (server === undefined) continue;
      servers.push(server);
      chosen = (server.address() as AddressInfo).port;
    }
    if (servers.length === 0) throw errors.callbackHostUnusable(host);
    redirectUri = new URL(`http://${host}:${chosen}${path}`);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    get redirectUri() {
      return redirectUri;
    },
    response: (state, server) =>
      new Promise((resolve) => {
        expected = {
          state,
          server,
          // Once: who reloads the page must not wait for an answer that nobody gives.
          resolve: (response) => {
            expected = undefined;
            resolve(response);
          },
        };
      }),
    close,
  };
}

interface Expected {
  readonly state: string;
  readonly server: URL;
  readonly resolve: (response: AuthorizationResponse) => void;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  redirectUri: URL,
  expected: Expected | undefined,
): void {
  const url = requestUrl(request, redirectUri);
  if (
    request.method !== 'GET' ||
    expected === undefined ||
    url?.searchParams.getAll('state').join() !== expected.state
  ) {
    void send(response, request.method === 'GET' ? 400 : 405, notForUsPage());
    return;
  }
  expected.resolve({
    url,
    succeed: (page) =>
      page === undefined
        ? send(response, 200, successPage(expected.server))
        : send(response, 302, '', { location: page.href }),
    fail: (error) => send(response, 400, failurePage(expected.server, error.message, error.remedy)),
  });
}

/** The URL that was asked for, if it is ours: right path, and a Host that a page of another site cannot send. */
function requestUrl(request: IncomingMessage, redirectUri: URL): URL | undefined {
  const hosts = [
    redirectUri.host,
    ...['localhost', '127.0.0.1', '[::1]'].map((name) => `${name}:${redirectUri.port}`),
  ];
  if (!hosts.includes(request.headers.host ?? '')) return undefined;
  const target = request.url ?? '';
  if (!target.startsWith('/') || !URL.canParse(target, redirectUri.href)) return undefined;
  const url = new URL(target, redirectUri);
  return url.origin === redirectUri.origin && url.pathname === redirectUri.pathname ? url : undefined;
}

function send(
  response: ServerResponse,
  status: number,
  page: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  return new Promise((resolve) => {
    if (response.headersSent || response.destroyed) {
      resolve();
      return;
    }
    // 'close' comes after the last byte was handed over, or when the browser has gone.
    response.once('close', resolve);
    response.writeHead(status, { ...callbackHeaders, ...headers, connection: 'close' });
    response.end(page);
  });
}

/** A listening server, or undefined where the machine has no such address (IPv6 switched off). */
function listen(
  address: string,
  port: number,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer(
      { maxHeaderSize: 65_536, requestTimeout: 10_000, headersTimeout: 10_000 },
      handle,
    );
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') resolve(undefined);
      else
        reject(
          error.code === 'EADDRINUSE'
            ? errors.callbackPortInUse(port, error)
            : errors.callbackHostUnusable(address, error),
        );
    });
    server.listen({ host: address, port, exclusive: true }, () => {
      resolve(server);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
