// One of the servers that are compared, with the same tool: `node server-process.mjs <kind> <FusionAuth URL> <port>`. Says
// `listening` on stderr; stdout is the log. JavaScript, since what runs is the built server.
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { createMcpExpressApp } from '@modelcontextprotocol/express';
import {
  connectFusionAuth,
  createApp,
  createFusionAuthTokenVerifier,
  loadConfig,
  McpServer,
  resourceOf,
} from '@mcp-keyhole/server';

const [kind = '', fusionAuthUrl = '', port = ''] = process.argv.slice(2);

function createMcpServer() {
  const server = new McpServer({ name: 'bench', version: '1' });
  server.registerTool('hello', { description: 'Says hello.' }, () => ({
    content: [{ type: 'text', text: 'hello' }],
  }));
  return server;
}

function createHandler() {
  if (kind === 'sdk') {
    const app = createMcpExpressApp({ host: '127.0.0.1' });
    const respond = toNodeHandler(createMcpHandler(createMcpServer));
    // The app has read the body.
    app.all('/mcp', (request, response) => respond(request, response, request.body));
    return app;
  }
  const config = loadConfig(['--port', port], {
    FUSIONAUTH_URL: fusionAuthUrl,
    // One user asks more often here than the limits let any; they are counted all the same.
    RATE_LIMIT_USER: '999999999',
    RATE_LIMIT_CLIENT: '999999999',
    MCP_SERVER_URL: `http://127.0.0.1:${port}`,
    AUTH: kind === 'open' ? 'off' : 'on',
  });
  const expectation = { issuer: config.issuer, resource: resourceOf(config) };
  const asked = createFusionAuthTokenVerifier(connectFusionAuth(fusionAuthUrl), expectation);
  const verifier = kind === 'guide' ? { verifier: asked } : {};
  return createApp(config, { createMcpServer, ...verifier });
}

createServer(createHandler()).listen(Number(port), '127.0.0.1', () => {
  console.error('listening');
});
// With a profile (`--cpu-prof`), which only a process that exits by itself writes.
process.once('SIGTERM', () => process.exit());
