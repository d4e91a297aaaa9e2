import type { Tool } from '@modelcontextprotocol/client';
import type { Log } from '@mcp-keyhole/cli-kit';
import type { ToolFilter } from '../bridge/tool-filter.ts';
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
  const { visible } = await toolFilter(config);
  const list = await withServer(
    config,
    server,
    log,
    signal,
    async (client, bounds) => visible((await client.listTools(undefined, bounds)).tools) as readonly Tool[],
  );
  if (config.json) writeJson(output, list);
  else if (list.length === 0) output.write(`${server.href} has no tools.\n`);
  else for (const tool of list) output.write(describeTool(tool, output));
  return 0;
}

/** What --ignore-tool, --allow-tool and --read-only leave of the tools. */
export async function toolFilter(config: ProxyConfig): Promise<ToolFilter> {
  const { createToolFilter } = await import('../bridge/tool-filter.ts');
  return createToolFilter(config);
}
