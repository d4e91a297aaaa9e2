import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createApp, type AppParts } from './app.ts';
import type { ServerConfig } from './config.ts';
import { connectFusionAuth } from './fusionauth.ts';
import { checkIssuer } from './issuer-check.ts';
import { listen } from './listening.ts';
import { createLog } from './log.ts';
import { RequestsUnderWay } from './requests-under-way.ts';
import { openSurroundings } from './surroundings.ts';

/** A server that listens. */
export interface RunningServer {
  /** The public URL, such as `http://localhost:8000`; the MCP endpoint is it + `/mcp`. */
  readonly url: string;
  readonly port: number;
  /** Where `/metrics` is served; undefined when the configuration names no such port. */
  readonly metricsPort: number | undefined;
  /** Says that it is not ready, lets requests under way finish within the drain timeout, ends streams, and stops. */
  close(): Promise<void>;
}

/** Milliseconds for the request line and headers, at most; the whole request has the request timeout. */
const headersTimeout = 10_000;

/** Milliseconds for which an idle connection is kept: longer than a reverse proxy in front should keep its own. */
const keepAliveTimeout = 65_000;

/** Milliseconds between two looks for connections that are too slow. */
const connectionsCheckingInterval = 500;

/** Bytes of all headers of a request, tokens among them: Node's own default, stated. */
const maxHeaderSize = 16 * 1024;

/** Milliseconds that streams have to say goodbye, after they were ended. */
const goodbyeDeadline = 250;

/**
 * Starts the server, and looks in the background whether FusionAuth's issuer is the configured one.
 *
 * @throws ServerError `port-in-use`, `port-not-permitted`, `host-not-available`
 */
export async function startServer(config: ServerConfig, parts: AppParts = {}): Promise<RunningServer> {
  const server = createServer({
    requestTimeout: config.requestTimeout,
    headersTimeout: Math.min(headersTimeout, config.requestTimeout),
    keepAliveTimeout,
    connectionsCheckingInterval,
    maxHeaderSize,
  });
  server.maxConnections = config.maxConnections;
  const log = parts.log ?? createLog();
  const surroundings = await openSurroundings(config, parts, log);
  const { address, port } = await listen(server, config.host, config.port, 'port').catch(
    async (error: unknown) => {
      await surroundings.close();
      throw error;
    },
  );
  const actual = { ...config, port, mcpServerUrl: withPort(config.mcpServerUrl, port) };
  const { observation, sharedState, metricsPort } = surroundings;
  const fusionAuth = parts.fusionAuth ?? connectFusionAuth(config.fusionAuthUrl, { observation });
  const draining = new AbortController();
  const closing = new AbortController();
  const underWay = new RequestsUnderWay();
  const signals = { draining: draining.signal, signal: closing.signal };
  // No connection is accepted before this turn of the event loop is over.
  server.on('request', underWay.track);
  server.on(
    'request',
    createApp(actual, { ...parts, fusionAuth, log, observation, sharedState, ...signals }),
  );
  log.info(
    {
      url: actual.mcpServerUrl,
      address,
      port,
      metricsPort,
      authentication: actual.authentication,
      issuer: actual.issuer,
    },
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
    metricsPort,
    close: async () => {
      log.info({ requests: underWay.count }, 'stopping');
      draining.abort();
      await delay(config.drainDelay);
      const closed = once(server, 'close');
      server.close();
      await underWay.ended(config.drainTimeout);
      if (underWay.count > 0) log.warn({ requests: underWay.count }, 'requests were cut off');
      closing.abort();
      await goodbye(server, closed);
      await surroundings.close();
      log.info({}, 'stopped');
    },
  };
}

/** Waits for the connections to end, first the idle ones, at last by force. */
async function goodbye(server: Server, closed: Promise<unknown>): Promise<void> {
  // An answer is at its end a moment before its connection is idle.
  setImmediate(() => server.closeIdleConnections());
  const timer = setTimeout(() => server.closeAllConnections(), goodbyeDeadline);
  await closed;
  clearTimeout(timer);
}

function withPort(publicUrl: string, port: number): string {
  const url = new URL(publicUrl);
  if (url.port === '0') url.port = String(port);
  return url.href.replace(/\/$/u, '');
}
