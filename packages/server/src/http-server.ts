import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp, type AppParts } from './app.ts';
import type { ServerConfig } from './config.ts';
import { errors } from './errors.ts';
import { connectFusionAuth } from './fusionauth.ts';
import { checkIssuer } from './issuer-check.ts';
import { createLog } from './log.ts';

/** A server that listens. */
export interface RunningServer {
  /** The public origin, such as `http://localhost:8000`; the MCP endpoint is it + `/mcp`. */
  readonly url: string;
  readonly port: number;
  /** Lets requests under way finish, for at most two seconds, and stops. */
  close(): Promise<void>;
}

/** Milliseconds that requests under way have at the end. */
const closingDeadline = 2_000;

/**
 * Starts the server, and looks in the background whether FusionAuth's issuer is the configured one.
 *
 * @throws ServerError `port-in-use`, `port-not-permitted`, `host-not-available`
 */
export async function startServer(config: ServerConfig, parts: AppParts = {}): Promise<RunningServer> {
  const server = createServer();
  await listen(server, config);
  const { address, port } = server.address() as AddressInfo;
  const actual = { ...config, port, mcpServerUrl: withPort(config.mcpServerUrl, port) };

  const log = parts.log ?? createLog();
  const fusionAuth = parts.fusionAuth ?? connectFusionAuth(config.fusionAuthUrl);
  const closing = new AbortController();
  // No connection is accepted before this turn of the event loop is over.
  server.on('request', createApp(actual, { ...parts, fusionAuth, log, signal: closing.signal }));
  log.info(
    { url: actual.mcpServerUrl, address, port, authentication: actual.authentication, issuer: actual.issuer },
    'listening',
  );
  if (actual.authentication) {
    void checkIssuer(actual, fusionAuth, log, closing.signal);
  } else {
    log.warn(
      { url: actual.mcpServerUrl },
      'AUTHENTICATION IS OFF: any program on this machine can call every tool',
    );
  }
  return {
    url: actual.mcpServerUrl,
    port,
    close: async () => {
      log.info({}, 'stopping');
      closing.abort();
      await close(server);
      log.info({}, 'stopped');
    },
  };
}

async function listen(server: Server, { host, port }: ServerConfig): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw errors.portInUse(port, error);
    if (code === 'EACCES') throw errors.portNotPermitted(port, error);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
      throw errors.hostNotAvailable(host, error);
    }
    throw error;
  }
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  const timer = setTimeout(() => server.closeAllConnections(), closingDeadline);
  await closed;
  clearTimeout(timer);
}

function withPort(origin: string, port: number): string {
  const url = new URL(origin);
  if (url.port === '0') url.port = String(port);
  return url.origin;
}
