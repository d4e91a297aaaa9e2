import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  completable,
  createMcpHandler,
  fromJsonSchema,
  inputRequired,
  McpServer,
  type CallToolResult,
  type InputRequests,
  type InputRequiredResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { onTestFinished, vi } from 'vitest';
import { z } from 'zod';

/** A request as it came: its headers, and what its body says. */
export interface PostedMessage {
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly method: string;
  readonly id?: unknown;
  readonly params: Readonly<Record<string, unknown>>;
}

/** A server of the modern era on loopback, made with the SDK's second version; closed when the test is. */
export interface V2Server {
  readonly url: URL;
  readonly posted: PostedMessage[];
  /** What it did, in order: `waiting`, `aborted`. */
  readonly deeds: string[];
  /** Resolves when it has done this. */
  readonly when: (deed: string) => Promise<void>;
  /** Resolves when so many streams of changes are open. */
  readonly whenListening: (count: number) => Promise<void>;
  /** Tells all who listen that a resource has changed. */
  readonly touch: (uri: string) => void;
  /** Cuts every connection. */
  readonly cut: () => void;
}

/** @param legacy what it does with hosts of the legacy era: `stateless` makes it a server of both */
export async function v2Server(legacy: 'reject' | 'stateless'): Promise<V2Server> {
  const posted: PostedMessage[] = [];
  const deeds: string[] = [];
  const events = new EventEmitter().setMaxListeners(0);
  let listening = 0;
  const does = (deed: string): void => {
    deeds.push(deed);
    events.emit('event');
  };
  const grown: string[] = [];
  // The SDK warns of the tool whose annotation is invalid on purpose.
  const warning = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const handler = createMcpHandler(() => mcpServer(does, grown, () => handler.notify.toolsChanged()), {
    legacy,
  });
  const subscribe = handler.bus.subscribe.bind(handler.bus);
  handler.bus.subscribe = (listener) => {
    const end = subscribe(listener);
    listening += 1;
    events.emit('event');
    return () => {
      listening -= 1;
      end();
      events.emit('event');
    };
  };
  const respond = toNodeHandler(handler);
  const http = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const json = JSON.parse(Buffer.concat(pieces).toString('utf8')) as PostedMessage;
      posted.push({ ...json, headers: request.headers });
      respond(request as IncomingMessage & { method: string; url: string }, response, json).catch(
        (error: unknown) => {
          response.destroy(error as Error);
        },
      );
    });
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(async () => {
    await handler.close();
    http.close();
    http.closeAllConnections();
    await once(http, 'close');
    warning.mockRestore();
  });
  const { port } = http.address() as AddressInfo;
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await once(events, 'event');
  };
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    posted,
    deeds,
    when: (deed) => until(() => deeds.includes(deed)),
    whenListening: (count) => until(() => listening === count),
    touch: (uri) => {
      handler.notify.resourceUpdated(uri);
    },
    cut: () => {
      http.closeAllConnections();
    },
  };
}

const nameForm = inputRequired.elicit({
  message: 'Your name?',
  requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
});
const sampling = inputRequired.createMessage({
  messages: [{ role: 'user', content: { type: 'text', text: 'Say hello' } }],
  maxTokens: 10,
});
const address = inputRequired.elicitUrl({ message: 'Look', url: 'https://example.com/' });

const said = (value: unknown): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
});

/** Asks the host, and says what it answers. */
function asks(inputRequests: InputRequests) {
  return ({ mcpReq }: ServerContext): CallToolResult | InputRequiredResult => {
    const { inputResponses } = mcpReq;
    return inputResponses === undefined ? inputRequired({ inputRequests }) : said(inputResponses);
  };
}

function mcpServer(does: (deed: string) => void, grown: string[], onGrown: () => void): McpServer {
  const capabilities = {
    logging: {},
    tools: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
  };
  const mcp = new McpServer({ name: 'v2', version: '2.0.0' }, { capabilities, instructions: 'Ask nicely.' });

  const region = z.string().meta({ 'x-mcp-header': 'Region' });
  mcp.registerTool('where', { inputSchema: z.object({ region }) }, (args) => said(args.region));
  const number = z.number().meta({ 'x-mcp-header': 'Number' });
  mcp.registerTool('invalid', { inputSchema: z.object({ number }) }, () => said('never'));
  mcp.registerTool(
    'list_numbers',
    { outputSchema: fromJsonSchema<number[]>({ type: 'array', items: { type: 'number' } }) },
    () => ({ content: [], structuredContent: [1, 2] }),
  );

  mcp.registerTool('ask_name', {}, asks({ who: nameForm }));
  mcp.registerTool('ask_all', {}, asks({ who: nameForm, words: sampling, where: inputRequired.listRoots() }));
  mcp.registerTool('show_address', {}, asks({ shown: address }));

  mcp.registerTool('ask_in_turn', {}, async ({ mcpReq }) => {
    const state = mcpReq.requestState<string>();
    const answers = [
      ...(JSON.parse(state ?? '[]') as unknown[]),
      ...Object.values(mcpReq.inputResponses ?? {}),
    ];
    if (answers.length === 3) return said(answers);
    const { progressToken } = mcpReq._meta ?? {};
    if (progressToken !== undefined) {
      const params = { progressToken, progress: answers.length + 1, message: 'before a question' };
      await mcpReq.notify({ method: 'notifications/progress', params });
    }
    return inputRequired({ inputRequests: { who: nameForm }, requestState: JSON.stringify(answers) });
  });

  mcp.registerTool('busy', {}, ({ mcpReq }) =>
    mcpReq.requestState<string>() === 'come again'
      ? said('done')
      : inputRequired({ requestState: 'come again' }),
  );

  mcp.registerTool('report', {}, async ({ mcpReq }) => {
    const { progressToken } = mcpReq._meta ?? {};
    for (const progress of progressToken === undefined ? [] : [1, 2]) {
      await mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 2 },
      });
    }
    for (const level of ['debug', 'warning'] as const) {
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- servers log to their hosts for some time yet
      await mcpReq.log(level, `a ${level}`);
    }
    return said('done');
  });

  mcp.registerTool('wait', {}, async ({ mcpReq: { signal } }) => {
    does('waiting');
    if (!signal.aborted) await once(signal, 'abort');
    does('aborted');
    return said('ended');
  });

  mcp.registerTool('grow', {}, () => {
    grown.push(`grown-${randomUUID()}`);
    onGrown();
    return said('grown');
  });
  for (const name of grown) mcp.registerTool(name, {}, () => said('new'));

  const argsSchema = z.object({
    name: completable(z.string(), (value) => ['Ada', 'Alan'].filter((each) => each.startsWith(value))),
  });
  mcp.registerPrompt('greet', { argsSchema }, ({ name }, { mcpReq }) => {
    const { who } = mcpReq.inputResponses ?? {};
    if (name === 'ask' && who === undefined) return inputRequired({ inputRequests: { who: nameForm } });
    const text = `Hello, ${name === 'ask' ? JSON.stringify(who) : name}`;
    return { messages: [{ role: 'user', content: { type: 'text', text } }] };
  });

  mcp.registerResource('note', 'note:///1', {}, ({ href }) => ({
    contents: [{ uri: href, text: 'a note' }],
  }));
  mcp.registerResource('secret', 'note:///secret', {}, ({ href }, { mcpReq }) =>
    mcpReq.inputResponses === undefined
      ? inputRequired({ inputRequests: { who: nameForm } })
      : { contents: [{ uri: href, text: 'a secret' }] },
  );
  return mcp;
}
