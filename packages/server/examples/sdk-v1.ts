// An MCP server of the SDK's v1, as most that exist, protected by FusionAuth.
import { protect, requireToolScopes } from '@mcp-keyhole/server';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';

const resource = process.env['RESOURCE'] ?? 'http://localhost:8000/mcp';
const issuer = process.env['FUSIONAUTH_ISSUER'] ?? 'http://localhost:9011';

function createServer(): McpServer {
  const server = new McpServer({ name: 'weather', version: '1.0.0' });
  server.registerTool('forecast', {}, ({ authInfo }) => ({
    content: [{ type: 'text', text: `Sunny for ${authInfo?.clientId ?? 'nobody'}` }],
  }));
  return server;
}

export const app = express();
app.use(protect({ resource, issuer }));
app.use('/mcp', express.json(), requireToolScopes({ forecast: ['weather'] }));
app.post('/mcp', async (request, response) => {
  const transport = new StreamableHTTPServerTransport();
  await createServer().connect(transport);
  await transport.handleRequest(request, response, request.body);
});
