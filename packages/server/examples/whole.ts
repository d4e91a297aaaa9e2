// A server with all that the program has around it: its settings, limits, log, metrics, and an orderly end.
import { loadConfig, McpServer, scopedTool, startServer } from '@mcp-keyhole/server';

const createMcpServer = () => {
  const mcp = new McpServer({ name: 'weather', version: '1.0.0' });
  mcp.registerTool('forecast', { ...scopedTool('weather') }, ({ http }) => ({
    content: [{ type: 'text', text: `Sunny for ${http?.authInfo?.clientId ?? 'nobody'}` }],
  }));
  return mcp;
};

const scopes = { scopesSupported: ['openid', 'profile', 'weather'], initialScopes: ['openid', 'profile'] };
export const server = await startServer({ ...loadConfig([], process.env), ...scopes }, { createMcpServer });
process.once('SIGTERM', () => void server.close());
