// One of the servers that are compared, with the same tool: `node server-process.ts <kind> <FusionAuth URL> <port>`. Prints
// `listening`.
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { createMcpExpressApp } from '@modelcontextprotocol/express';
import {
  connectFusionAuth,
  createApp,
  createFusionAuthTokenVerifier,
  createLog,
  loadConfig,
  McpServer,
  resourceOf,
} from '@mcp-keyhole/server';

const [kind = '', fusionAuthUrl = '', port = ''] = process.argv.slice(2);

function createMcpServer(): McpServer {
  const server = new McpServer({ name: 'bench', version: '1' });
  server.registerTool('hello', { description: 'Says hello.' }, () => ({
    content: [{ type: 'text', text: 'hello' }],
  }));
  return server;
}

function createHandler(): Parameters<typeof createServer>[1] {
  if (kind === 'sdk') {
    const app = createMcpExpressApp({ host: '127.0.0.1' });
    const respond = toNodeHandler(createMcpHandler(createMcpServer));
    // The app has read the body.
    app.all('/mcp', (request, response) => respond(request, response, request.body));
    return app;
  }
  const config = loadConfig(['--port', port], {
    FUSIONAUTH_URL: fusionAuthUrl,
    // One user asks more often here than the limits let any.
    RATE_LIMIT_USER: '0',
    RATE_LIMIT_CLIENT: '0',
    MCP_SERVER_URL: `http://127.0.0.1:${port}`,
    AUTH: kind === 'open' ? 'off' : 'on',
  });
  const expectation = { issuer: config.issuer, resource: resourceOf(config) };
  const asked = createFusionAuthTokenVerifier(connectFusionAuth(fusionAuthUrl), expectation);
  const verifier = kind === 'guide' ? { verifier: asked } : {};
  const log = createLog({ destination: { write: () => undefined } });
  return createApp(config, { createMcpServer, log, ...verifier });
}

createServer(createHandler()).listen(Number(port), '127.0.0.1', () => {
  console.log('listening');
});
