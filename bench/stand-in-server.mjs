// An MCP server of 2025-11-25 that costs as little as one can: what is measured is what stands before it. Prints its URL.
// Its tool `bytes` answers with a text of so many bytes, as JSON or as an event; `--tools N` is how many it lists.
// With `--sign-in Bearer` or `--sign-in DPoP` it wants such a token and issues it to every client itself; it looks at no proof.
import http from 'node:http';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { tools: { type: 'string', default: '1' }, 'sign-in': { type: 'string' } },
});
const scheme = values['sign-in'];
const tools = Array.from({ length: Number(values.tools) }, (_, index) => ({
  name: index === 0 ? 'bytes' : `tool_${index}`,
  description: 'Answers with a text of as many bytes as it is asked for, which nobody needs to read.',
  inputSchema: { type: 'object', properties: { bytes: { type: 'number' }, event: { type: 'boolean' } } },
}));
const texts = new Map();

function textOf(bytes) {
  let text = texts.get(bytes);
  if (text === undefined) texts.set(bytes, (text = 'x'.repeat(bytes)));
  return text;
}

function resultOf({ method, params }) {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'stand-in', version: '1' },
      };
    case 'tools/list':
      return { tools };
    case 'tools/call':
      return { content: [{ type: 'text', text: textOf(params.arguments.bytes) }] };
  }
}

/** What belongs to a sign-in; undefined for the requests that go on to the tools. */
function signIn({ url, headers }) {
  const issuer = `http://${headers.host}`;
  if (scheme === undefined) return undefined;
  switch (url) {
    case '/.well-known/oauth-protected-resource/mcp':
      return { status: 200, content: { resource: `${issuer}/mcp`, authorization_servers: [issuer] } };
    case '/.well-known/oauth-authorization-server':
      return {
        status: 200,
        content: {
          issuer,
          token_endpoint: `${issuer}/token`,
          dpop_signing_alg_values_supported: ['ES256'],
        },
      };
    case '/token':
      // As long as a JWT of FusionAuth.
      return {
        status: 200,
        content: { access_token: 'x'.repeat(900), token_type: scheme, expires_in: 3600 },
      };
    default:
      return headers.authorization?.startsWith(`${scheme} `) === true
        ? undefined
        : { status: 401, content: {}, headers: { 'www-authenticate': scheme } };
  }
}

const server = http.createServer(async (request, response) => {
  const step = signIn(request);
  if (step !== undefined) {
    response.writeHead(step.status, { 'content-type': 'application/json', ...step.headers });
    response.end(JSON.stringify(step.content));
    return;
  }
  if (request.method !== 'POST') {
    response.writeHead(request.method === 'DELETE' ? 200 : 405).end();
    return;
  }
  const message = JSON.parse(Buffer.concat(await request.toArray()).toString());
  if (message.id === undefined) {
    response.writeHead(202).end();
    return;
  }
  const result = resultOf(message);
  const error = { code: -32601, message: 'Method not found' };
  const answer = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...(result ? { result } : { error }) });
  const isEvent = message.params?.arguments?.event === true;
  const type = isEvent ? 'text/event-stream' : 'application/json';
  response.writeHead(200, { 'content-type': type, 'mcp-session-id': 'one' });
  response.end(isEvent ? `event: message\ndata: ${answer}\n\n` : answer);
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/mcp`));
