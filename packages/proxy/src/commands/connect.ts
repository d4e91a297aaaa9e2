import type { Log } from '@mcp-keyhole/cli-kit';
import { Bridge } from '../bridge/bridge.ts';
import type { ServerTransport } from '../bridge/http.ts';
import { StdioTransport } from '../bridge/stdio.ts';
import type { ProxyConfig } from '../config.ts';
import { openConnection, type Connection } from '../proxy.ts';

/** What a host starts: bridges its stdio to the server until the host closes it. */
export async function connect(
  config: ProxyConfig,
  server: URL,
  log: Log,
  signal: AbortSignal,
): Promise<number> {
  const { ignoreTools, allowTools, keepAlive, pingInterval, protocol } = config;
  const connection = openConnection(config, server, log, signal);
  // Who asks for a store by name wants to know at once when there is none; `auto` waits until it is needed.
  if (config.tokenStore !== 'auto') await connection.openStore();
  const host = new StdioTransport(process.stdin, process.stdout);
  const filters = ignoreTools.length + allowTools.length > 0;
  const rules = {
    toolFilter: filters
      ? (await import('../bridge/tool-filter.ts')).createToolFilter(ignoreTools, allowTools)
      : undefined,
    legacyOnly: protocol === 'legacy',
    pingEvery: keepAlive ? pingInterval : undefined,
  };
  const transport = await chooseTransport(config.transport, connection, log);
  await new Bridge(host, transport, server, log, rules).run(signal);
  return 0;
}

/** Streamable HTTP unless the user says otherwise: a server of 2024-11-05 shows only when its stream is opened. */
export async function chooseTransport(
  wanted: ProxyConfig['transport'],
  { http, openEventStream }: Connection,
  log: Log,
): Promise<ServerTransport> {
  if (wanted === 'sse-only') return openEventStream();
  if (wanted !== 'sse-first') return http;
  const probe = await openEventStream();
  try {
    await probe.start();
    return await openEventStream();
  } catch (error) {
    log.debug('the server has no event stream; Streamable HTTP is used', { error: String(error) });
    return http;
  } finally {
    await probe.close();
  }
}
