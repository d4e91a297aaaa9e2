import { once } from 'node:events';
import { createServer } from 'node:http';
import { listen } from '../listening.ts';
import type { Metrics } from './metrics.ts';

/** A server for `/metrics` alone. */
export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves metrics on a port of their own. Not on the server's port to loopback peers: behind a reverse proxy on the same
 * machine, everyone is a loopback peer.
 *
 * @throws ServerError `port-in-use`, `port-not-permitted`, `host-not-available`
 */
export async function serveMetrics(metrics: Metrics, host: string, port: number): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  const address = await listen(server, host, port, 'metrics-port');
  return {
    port: address.port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
