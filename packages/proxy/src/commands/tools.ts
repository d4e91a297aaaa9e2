import type { Log } from '@mcp-keyhole/cli-kit';
import type { ProxyConfig } from '../config.ts';
import { withServer } from './client-session.ts';
import { writeJson, type Output } from './output.ts';
import { describeTool } from './tool-words.ts';

/** Lists the tools of a server, signing in when that is needed. */
export async function tools(
  config: ProxyConfig,
  server: URL,
  log: Log,
  signal: AbortSignal,
  output: Output,
): Promise<number> {
  const isHidden = await hiddenTools(config);
  const list = await withServer(config, server, log, signal, async (client, bounds) =>
    (await client.listTools(undefined, bounds)).tools.filter(({ name }) => !isHidden(name)),
  );
  if (config.json) writeJson(output, list);
  else if (list.length === 0) output.write(`${server.href} has no tools.\n`);
  else for (const tool of list) output.write(describeTool(tool, output));
  return 0;
}

/** Whether --ignore-tool and --allow-tool hide a tool. */
export async function hiddenTools(config: ProxyConfig): Promise<(name: string) => boolean> {
  const { createToolFilter } = await import('../bridge/tool-filter.ts');
  const filter = createToolFilter(config.ignoreTools, config.allowTools);
  return (name) =>
    filter?.refused({ jsonrpc: '2.0', id: 0, method: 'tools/call', params: { name } }) !== undefined;
}
