import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { completable } from '@modelcontextprotocol/sdk/server/completable.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
  type CallToolResult,
} from '@modelcontextprotocol/sdk/types.js';
import { onTestFinished } from 'vitest';
import { z } from 'zod';

/** A server of the legacy era on loopback, made with the SDK's first version; closed when the test is. */
export interface V1Server {
  readonly url: URL;
  /** What it did, in order: `subscribe note:///1`, `aborted` and the like. */
  readonly deeds: string[];
  /** Resolves when it has done this. */
  readonly when: (deed: string) => Promise<void>;
  /** The ids of the sessions there are. */
  readonly sessions: () => string[];
  /** Tells every session that a resource has changed. */
  readonly touch: (uri: string) => Promise<void>;
}

export async function v1Server(): Promise<V1Server> {
  const sessions = new Map<string, { mcp: McpServer; transport: StreamableHTTPServerTransport }>();
  const deeds: string[] = [];
  const doing = new EventEmitter().setMaxListeners(0);
  const does = (deed: string): void => {
    deeds.push(deed);
    doing.emit('deed');
  };

  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const mcp = mcpServer(does);
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, { mcp, transport }),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await mcp.connect(transport);
    return transport;
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const id = request.headers['mcp-session-id'];
    const session = typeof id === 'string' ? sessions.get(id) : undefined;
    if (request.method === 'GET') does('stream');
    await (session?.transport ?? (await open())).handleRequest(request, response);
  };
  const http = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.destroy(error as Error);
    });
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(async () => {
    http.close();
    http.closeAllConnections();
    await once(http, 'close');
  });
  const { port } = http.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    deeds,
    when: async (deed) => {
      while (!deeds.includes(deed)) await once(doing, 'deed');
    },
    sessions: () => [...sessions.keys()],
    touch: async (uri) => {
      for (const { mcp } of sessions.values()) await mcp.server.sendResourceUpdated({ uri });
    },
  };
}

const nameForm = {
  mode: 'form' as const,
  message: 'Your name?',
  requestedSchema: { type: 'object' as const, properties: { name: { type: 'string' as const } } },
};
const sampling = {
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'Say hello' } }],
  maxTokens: 10,
};

const said = (value: unknown): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
});

function mcpServer(does: (deed: string) => void): McpServer {
  const capabilities = {
    logging: {},
    tools: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
  };
  const mcp = new McpServer({ name: 'v1', version: '1.0.0' }, { capabilities, instructions: 'Ask nicely.' });
  const { server } = mcp;

  mcp.registerTool('add', { inputSchema: { a: z.number(), b: z.number() } }, ({ a, b }) => said(a + b));

  // The question belongs to the call, or comes on the server's own stream.
  mcp.registerTool('ask_name', { inputSchema: { own: z.boolean() } }, async ({ own }, { requestId }) => {
    const way = own ? {} : { relatedRequestId: requestId };
    return said(await server.elicitInput(nameForm, way));
  });

  mcp.registerTool('ask_all', {}, async ({ requestId }) => {
    const way = { relatedRequestId: requestId };
    const [name, words, { roots }] = await Promise.all([
      server.elicitInput(nameForm, way),
      server.createMessage(sampling, way),
      server.listRoots({}, way),
    ]);
    return said([name.content, words.content, roots]);
  });

  mcp.registerTool('ask_in_turn', {}, async ({ requestId, sendNotification, _meta }) => {
    const answers: unknown[] = [];
    const { progressToken = '' } = _meta ?? {};
    for (const progress of [1, 2, 3]) {
      const params = { progressToken, progress, message: 'before a question' };
      await sendNotification({ method: 'notifications/progress', params });
      const { content } = await server.elicitInput(nameForm, { relatedRequestId: requestId });
      answers.push(content);
    }
    return said(answers);
  });

  mcp.registerTool('show_address', {}, async ({ requestId }) => {
    const question = {
      mode: 'url' as const,
      message: 'Look',
      url: 'https://example.com/',
      elicitationId: 'e',
    };
    const { action } = await server.elicitInput(question, { relatedRequestId: requestId });
    return said(action);
  });

  mcp.registerTool('report', {}, async ({ sendNotification, _meta }) => {
    for (const progress of [1, 2]) {
      const params = { progressToken: _meta?.progressToken ?? '', progress, total: 2 };
      await sendNotification({ method: 'notifications/progress', params });
    }
    for (const level of ['debug', 'warning'] as const) {
      await sendNotification({ method: 'notifications/message', params: { level, data: `a ${level}` } });
    }
    return said('done');
  });

  mcp.registerTool('wait', {}, async ({ signal }) => {
    does('waiting');
    await once(signal, 'abort');
    does('aborted');
    return said('ended');
  });

  mcp.registerTool('grow', {}, () => {
    mcp.registerTool(`grown-${randomUUID()}`, {}, () => said('new'));
    return said('grown');
  });

  const argsSchema = {
    name: completable(z.string(), (value) => ['Ada', 'Alan'].filter((each) => each.startsWith(value))),
  };
  mcp.registerPrompt('greet', { argsSchema }, async ({ name }, { requestId }) => {
    const { content } =
      name === 'ask'
        ? await server.elicitInput(nameForm, { relatedRequestId: requestId })
        : { content: { name } };
    return {
      messages: [{ role: 'user', content: { type: 'text', text: `Hello, ${String(content?.name)}` } }],
    };
  });

  mcp.registerResource('note', 'note:///1', {}, ({ href }) => ({
    contents: [{ uri: href, text: 'a note' }],
  }));
  server.setRequestHandler(SubscribeRequestSchema, ({ params: { uri } }) => {
    does(`subscribe ${uri}`);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    does(`unsubscribe ${uri}`);
    return {};
  });
  return mcp;
}
