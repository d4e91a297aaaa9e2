import type { Log } from '@mcp-keyhole/cli-kit';
import { Bridge } from '../bridge/bridge.ts';
import { Reception } from '../bridge/reception.ts';
import { StdioHost } from '../bridge/stdio.ts';
import type { ProxyConfig } from '../config.ts';
import { optimizeEarly } from '../early-optimization.ts';
import { openConnection } from '../proxy.ts';

/** What a host starts: bridges its stdio to the server until the host closes it. */
export async function connect(
  config: ProxyConfig,
  server: URL,
  log: Log,
  signal: AbortSignal,
): Promise<number> {
  const { keepAlive, pingInterval, protocol, ignoreTools, allowTools, readOnly } = config;
  const connection = openConnection(config, server, log, signal);
  // Who asks for a store by name wants to know at once when there is none; `auto` waits until it is needed.
  if (config.tokenStore !== 'auto') await connection.openStore();
  const host = new StdioHost(process.stdin, process.stdout);
  const rules = { legacyOnly: protocol === 'legacy', pingEvery: keepAlive ? pingInterval : undefined };
  const isFiltered = readOnly || ignoreTools.length + allowTools.length > 0;
  const filter = isFiltered
    ? (await import('../bridge/tool-filter.ts')).createToolFilter({ ignoreTools, allowTools, readOnly })
    : undefined;
  const bridge = new Bridge(
    host,
    (onMessage) => {
      const inner = connection.openSide(onMessage);
      const side = filter === undefined ? inner : filter.applied(inner);
      const visible = filter?.visible;
      return new Reception(side, { ...connection, server, onMessage, visible, log });
    },
    { server, log, rules },
  );
  optimizeEarly();
  await bridge.run(signal);
  return 0;
}
