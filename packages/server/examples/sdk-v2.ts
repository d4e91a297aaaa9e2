// An MCP server of the SDK's current line, which speaks both eras of the protocol, protected by FusionAuth.
import { protect, scopedTool } from '@mcp-keyhole/server';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import express from 'express';

const port = Number(process.env['PORT'] ?? 8000);
const resource = process.env['RESOURCE'] ?? `http://localhost:${port}/mcp`;
const issuer = process.env['FUSIONAUTH_ISSUER'] ?? 'http://localhost:9011';

const handler = createMcpHandler(() => {
  const mcp = new McpServer({ name: 'weather', version: '1.0.0' });
  mcp.registerTool('forecast', { ...scopedTool('weather') }, ({ http }) => ({
    content: [{ type: 'text', text: `Sunny for ${http?.authInfo?.clientId ?? 'nobody'}` }],
  }));
  return mcp;
});

const app = express();
app.use(protect({ resource, issuer }));
app.all('/mcp', toNodeHandler(handler));
export const server = app.listen(port, 'localhost');
