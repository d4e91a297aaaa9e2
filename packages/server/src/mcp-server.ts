import { McpServer, type McpServerFactory } from '@modelcontextprotocol/server';
import type { Greetings } from './greetings.ts';
import { isObtainable } from './scopes/obtainable.ts';
import { registerCountdown } from './tools/countdown.ts';
import { registerGetName, type NameOf } from './tools/get-name.ts';
import { registerSetGreeting } from './tools/set-greeting.ts';

export const version = process.env['KEYHOLE_VERSION'] ?? 'development';

/** What the tools work with. */
export interface ToolParts {
  readonly nameOf: NameOf;
  readonly greetings: Greetings;
  /** What the protected resource metadata offers; tools that need another scope are hidden. */
  readonly scopesSupported: readonly string[];
}

/** Makes the MCP server that answers one request; the same for both eras of the protocol. */
export function mcpServerFactory({ nameOf, greetings, scopesSupported }: ToolParts): McpServerFactory {
  return () => {
    const server = new McpServer(
      { name: 'fusionauth-mcp-server', title: 'FusionAuth MCP Server', version },
      // The list of tools is fixed, so that no client need keep a stream open to hear of changes.
      { capabilities: { tools: { listChanged: false } } },
    );
    const tools = [
      registerGetName(server, nameOf, greetings),
      registerSetGreeting(server, greetings),
      registerCountdown(server),
    ];
    for (const tool of tools) if (!isObtainable(tool, scopesSupported)) tool.remove();
    return server;
  };
}
