import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { protectedServer } from '../support/protected-server.ts';

/** The guide's command, letter by letter but for the port. */
const command = (port: number): string => `curl -X POST http://localhost:${port}/mcp \\
-H "Content-Type: application/json" \\
-H "Accept: application/json, text/event-stream" \\
-d '{
"jsonrpc": "2.0",
"id": 1,
"method": "tools/call",
"params": {
"name": "get_name",
"arguments": {}
}
}'`;

/** Runs it as a shell would; cmd.exe has other quotes, so there curl gets the same words directly. */
async function curl(port: number): Promise<string> {
  const words = [...command(port).matchAll(/'([^']*)'|"([^"]*)"|([^\s\\]+)/gu)].map((match) =>
    match.slice(1).join(''),
  );
  const [program = '', ...args] = words;
  const { stdout } = await promisify(execFile)(program, args);
  return stdout;
}

describe("the guide's curl command", () => {
  it('gets the greeting of the unprotected server', async () => {
    await using open = await protectedServer({ env: { AUTH: 'off', MCP_SERVER_URL: 'http://localhost:0' } });
    const answer = await curl(open.server.port);
    const [, data = ''] = /^event: message\ndata: (.*)\n\n$/u.exec(answer) ?? [];
    expect(JSON.parse(data)).toStrictEqual({
      jsonrpc: '2.0',
      id: 1,
      result: {
        content: [{ type: 'text', text: 'Hello, World!' }],
        structuredContent: { result: 'Hello, World!' },
        isError: false,
      },
    });
  });

  it('gets the authentication error of the protected server', async () => {
    await using running = await protectedServer({ env: { MCP_SERVER_URL: 'http://localhost:0' } });
    expect(JSON.parse(await curl(running.server.port))).toStrictEqual({
      error: 'invalid_token',
      error_description:
        'Authentication failed. The provided bearer token is invalid, expired, or no longer recognized by the server. ' +
        'To resolve: clear authentication tokens in your MCP client and reconnect. Your client should automatically ' +
        're-register and obtain new tokens.',
    });
  });
});
