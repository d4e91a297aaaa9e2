import type { ServerResponse } from 'node:http';
import type { AuthorizationServer } from './authorization-server.ts';
import { event } from './bent-server.ts';
import type { Message } from './bridged-host.ts';
import { loopbackServer, sendJson, type LoopbackServer } from './loopback-server.ts';

type Document = Record<string, unknown>;

/** How the server is; every part has a default. */
export interface ToolServerSettings {
  /** Whose tokens it wants. Default: none. */
  readonly provider?: AuthorizationServer;
  /** Default: `add`. */
  readonly tools?: readonly Document[];
  /** How many tools a page of the list has. Default: all. */
  readonly pageSize?: number;
  /** What a call answers: a result, or a JSON-RPC error. Default: no content. */
  readonly answer?: (given: { name: string; args: Document }) => { result: Document } | { error: Document };
  /** How much progress is told before a call is answered. Default: none. */
  readonly progress?: readonly Document[];
  /** Changes the protected resource's metadata; undefined publishes none. */
  readonly resourceMetadata?: (correct: Document) => Document | undefined;
  /** Changes the header of the 401; undefined leaves it out. */
  readonly challenge?: (correct: string) => string | undefined;
}

export const addTool: Document = {
  name: 'add',
  title: 'Add numbers',
  description: 'Adds two numbers.',
  inputSchema: {
    type: 'object',
    properties: { a: { type: 'number', description: 'The first' }, b: { type: 'number' } },
    required: ['a'],
  },
  annotations: { readOnlyHint: true, idempotentHint: true },
};

/** An MCP server of the legacy era with tools, at `/mcp` on loopback, behind a sign-in where a provider is given. */
export async function toolServer(
  settings: ToolServerSettings = {},
): Promise<LoopbackServer & { readonly resource: URL }> {
  const { provider, tools = [addTool], pageSize = tools.length } = settings;
  const http = await loopbackServer((request, response) => {
    const resource = `${http.url}/mcp`;
    if (request.path === '/.well-known/oauth-protected-resource/mcp' && provider !== undefined) {
      const correct = {
        resource,
        authorization_servers: [provider.issuer],
        scopes_supported: ['openid', 'get_name'],
      };
      const metadata = settings.resourceMetadata === undefined ? correct : settings.resourceMetadata(correct);
      sendJson(response, metadata === undefined ? 404 : 200, metadata ?? {});
    } else if (request.path !== '/mcp') {
      sendJson(response, 404, {});
    } else if (provider !== undefined && provider.scopeFor(request, http.url) === undefined) {
      const correct = `Bearer error="invalid_token", scope="openid get_name", resource_metadata="${http.url}/.well-known/oauth-protected-resource/mcp"`;
      const challenge = settings.challenge === undefined ? correct : settings.challenge(correct);
      sendJson(response, 401, {}, challenge === undefined ? {} : { 'www-authenticate': challenge });
    } else if (request.method !== 'POST') {
      response.writeHead(request.method === 'DELETE' ? 204 : 405).end();
    } else {
      serve(JSON.parse(request.body) as Message, response);
    }
  });

  function serve({ id, method, params = {} }: Message, response: ServerResponse): void {
    const send = (answer: { result: Document } | { error: Document }, session = {}): void => {
      sendJson(response, 200, { jsonrpc: '2.0', id, ...answer }, session);
    };
    switch (method) {
      case 'initialize':
        send(
          {
            result: {
              protocolVersion: '2025-11-25',
              capabilities: { tools: {} },
              serverInfo: { name: 'Tools', version: '1' },
            },
          },
          { 'mcp-session-id': 'session-1' },
        );
        break;
      case 'tools/list': {
        const begin = Number(params['cursor'] ?? 0);
        const end = begin + pageSize;
        const next = end < tools.length ? { nextCursor: String(end) } : {};
        send({ result: { tools: tools.slice(begin, end), ...next } });
        break;
      }
      case 'tools/call': {
        const given = { name: params['name'] as string, args: params['arguments'] as Document };
        const answer = settings.answer?.(given) ?? { result: { content: [] } };
        const { progressToken } = (params['_meta'] ?? {}) as { progressToken?: unknown };
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const progress of settings.progress ?? []) {
          const told = { jsonrpc: '2.0', method: 'notifications/progress' } as const;
          response.write(event({ ...told, params: { progressToken, ...progress } }));
        }
        response.end(event({ jsonrpc: '2.0', id: id ?? null, ...answer } as Message));
        break;
      }
      default:
        if (id === undefined) response.writeHead(202).end();
        else send({ error: { code: -32_601, message: 'Method not found' } });
    }
  }

  return Object.assign(http, { resource: new URL('/mcp', http.url) });
}

/** The MCP methods that arrived, in order. */
export function methodsOf({ requests }: LoopbackServer): (string | undefined)[] {
  return requests
    .filter(({ method, path }) => method === 'POST' && path === '/mcp')
    .map(({ body }) => (JSON.parse(body) as Message).method);
}
