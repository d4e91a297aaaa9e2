// An MCP server of the SDK's v1, as most that exist, protected by FusionAuth.
import { protect, requireToolScopes } from '@mcp-keyhole/server';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';

const port = Number(process.env['PORT'] ?? 8000);
const resource = process.env['RESOURCE'] ?? `http://localhost:${port}/mcp`;
const issuer = process.env['FUSIONAUTH_ISSUER'] ?? 'http://localhost:9011';

function createServer(): McpServer {
  const mcp = new McpServer({ name: 'weather', version: '1.0.0' });
  mcp.registerTool('forecast', {}, ({ authInfo }) => ({
    content: [{ type: 'text', text: `Sunny for ${authInfo?.clientId ?? 'nobody'}` }],
  }));
  return mcp;
}

const app = express();
app.use(protect({ resource, issuer }));
app.use('/mcp', express.json(), requireToolScopes({ forecast: ['weather'] }));
app.post('/mcp', async (request, response) => {
  const transport = new StreamableHTTPServerTransport();
  await createServer().connect(transport);
  await transport.handleRequest(request, response, request.body);
});
export const server = app.listen(port, 'localhost');
