import type { Log } from '@mcp-keyhole/cli-kit';
import { Bridge } from '../bridge/bridge.ts';
import { StdioTransport } from '../bridge/stdio.ts';
import type { ProxyConfig } from '../config.ts';
import { openConnection } from '../proxy.ts';

/** What a host starts: bridges its stdio to the server until the host closes it. */
export async function connect(
  config: ProxyConfig,
  server: URL,
  log: Log,
  signal: AbortSignal,
): Promise<number> {
  const { http } = await openConnection(config, server, log, signal);
  const host = new StdioTransport(process.stdin, process.stdout);
  await new Bridge(host, http, server, log).run(signal);
  return 0;
}
