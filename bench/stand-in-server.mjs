// An MCP server of 2025-11-25 that costs as little as one can: what is measured is what stands before it. Prints its URL.
// Its tool `bytes` answers with a text of so many bytes, as JSON or as an event; `--tools N` is how many it lists.
import http from 'node:http';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { tools: { type: 'string', default: '1' } } });
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

const server = http.createServer(async (request, response) => {
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
