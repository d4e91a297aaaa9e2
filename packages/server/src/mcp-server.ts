import { McpServer, type McpServerFactory } from '@modelcontextprotocol/server';
import { registerGetName, type NameOf } from './tools/get-name.ts';

export const version = process.env['KEYHOLE_VERSION'] ?? 'development';

/** Makes the MCP server that answers one request; the same for both eras of the protocol. */
export function mcpServerFactory(nameOf: NameOf): McpServerFactory {
  return () => {
    const server = new McpServer(
      { name: 'fusionauth-mcp-server', title: 'FusionAuth MCP Server', version },
      // The list of tools is fixed, so that no client need keep a stream open to hear of changes.
      { capabilities: { tools: { listChanged: false } } },
    );
    registerGetName(server, nameOf);
    return server;
  };
}
