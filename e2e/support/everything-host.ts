import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js';
import type { RequestHandlerExtra, RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResultSchema,
  type ClientNotification,
  type ClientRequest,
  type CreateTaskResult,
  type ElicitResult,
  type Result,
} from '@modelcontextprotocol/sdk/types.js';

type Extra = RequestHandlerExtra<ClientRequest, ClientNotification>;

/** What this host can do for a server: everything that a legacy one can. */
const capabilities = {
  sampling: {},
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
  tasks: { list: {}, cancel: {}, requests: { sampling: { createMessage: {} }, elicitation: { create: {} } } },
};

/** A host on the SDK's first line that answers everything that a server may ask of it, always the same. */
export class EverythingHost {
  readonly #client: Client;
  readonly #tasks = new InMemoryTaskStore();
  /** What the user answers next to an elicitation; after that he accepts. */
  readonly #replies: ElicitResult[] = [];

  constructor() {
    // No message queue: with one, the SDK keeps the answers to what a server's task asks for itself.
    const options = { capabilities, taskStore: this.#tasks };
    this.#client = new Client({ name: 'everything-host', version: '1.0.0' }, options);
    this.#client.setRequestHandler(ListRootsRequestSchema, () => ({
      roots: [{ uri: 'file:///home/ada/notes', name: 'Notes' }, { uri: 'file:///srv/%C3%BCber' }],
    }));
    this.#client.setRequestHandler(CreateMessageRequestSchema, ({ params }, extra) =>
      asAsked(params.task, extra, {
        role: 'assistant' as const,
        model: 'e2e',
        stopReason: 'endTurn',
        content: { type: 'text' as const, text: `Forty-two, of ${params.maxTokens} tokens.` },
      }),
    );
    this.#client.setRequestHandler(ElicitRequestSchema, ({ params }, extra) =>
      asAsked(params.task, extra, this.#replies.shift() ?? accept(params.mode)),
    );
  }

  async connect(transport: Transport): Promise<void> {
    await this.#client.connect(transport);
  }

  /** Sends a request. @returns its result; the empty object when the answer is an error, which the recording has */
  async ask(method: string, params: Record<string, unknown> = {}, options?: RequestOptions): Promise<Result> {
    try {
      return await this.#client.request({ method, params }, ResultSchema, {
        timeout: 30_000,
        ...options,
      });
    } catch (error) {
      if (/timed out|closed/iu.test(String(error))) throw error;
      return {};
    }
  }

  /** Calls a tool for which the user answers so. */
  async askUser(tool: string, args: Record<string, unknown>, reply: ElicitResult): Promise<void> {
    this.#replies.push(reply);
    await this.ask('tools/call', { name: tool, arguments: args });
  }

  async changeRoots(): Promise<void> {
    await this.#client.sendRootsListChanged();
  }

  async close(): Promise<void> {
    this.#tasks.cleanup();
    await this.#client.close();
  }
}

function accept(mode: 'url' | 'form' | undefined): ElicitResult {
  if (mode === 'url') return { action: 'accept' };
  return { action: 'accept', content: { name: 'Ada', interpretation: 'snake', integer: 7, check: true } };
}

/** A result, at once or by a task that is done, as the server asks for it. */
async function asAsked<T extends Result>(
  task: { readonly ttl?: number | undefined } | undefined,
  { taskStore }: Extra,
  result: T,
): Promise<T | CreateTaskResult> {
  if (task === undefined || taskStore === undefined) return result;
  const created = await taskStore.createTask({ ttl: task.ttl ?? null });
  await taskStore.storeTaskResult(created.taskId, 'completed', result);
  return { task: created };
}
