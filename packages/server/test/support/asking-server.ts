/* eslint-disable @typescript-eslint/no-deprecated -- the ways of asking back of the legacy era, which sessions are for */
import { fromJsonSchema, McpServer, type McpServerFactory } from '@modelcontextprotocol/server';

/** Lets calls of the tool `wait` end when it is told to. */
export class Gate {
  readonly #waiting = new Set<() => void>();
  readonly #arrivals = new EventTarget();
  aborted = 0;

  async pass(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
      signal.addEventListener('abort', () => {
        this.aborted += 1;
        this.#waiting.delete(resolve);
        this.#arrivals.dispatchEvent(new Event('change'));
        resolve();
      });
      this.#arrivals.dispatchEvent(new Event('change'));
    });
  }

  open(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Waits for something to be true of the calls that wait. */
  async until(condition: (waiting: number) => boolean): Promise<void> {
    while (!condition(this.#waiting.size)) {
      await new Promise((resolve) => {
        this.#arrivals.addEventListener('change', resolve, { once: true });
      });
    }
  }
}

const text = (value: string): { content: { type: 'text'; text: string }[] } => ({
  content: [{ type: 'text', text: value }],
});

const count = fromJsonSchema<{ count: number }>({
  type: 'object',
  properties: { count: { type: 'integer' } },
  required: ['count'],
});

/** A server whose tools ask the client back, speak while they work, and wait. Made anew for every request, like any. */
export const askingServer =
  (gate: Gate): McpServerFactory =>
  () => {
    const server = new McpServer({ name: 'asking', version: '1.0.0' }, { capabilities: { logging: {} } });
    server.registerTool('elicit', { description: 'Asks the user' }, async ({ mcpReq }) => {
      const answer = await mcpReq.elicitInput({
        message: 'Your name?',
        requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
      });
      return text(`${answer.action} ${String(answer.content?.['name'])}`);
    });
    server.registerTool('sample', { description: 'Asks the model' }, async ({ mcpReq }) => {
      const sampled = await mcpReq.requestSampling({
        messages: [{ role: 'user', content: { type: 'text', text: 'Hello?' } }],
        maxTokens: 10,
      });
      return text(JSON.stringify(sampled.content));
    });
    server.registerTool('roots', { description: 'Asks for the roots' }, async () => {
      const { roots } = await server.server.listRoots();
      return text(roots.map(({ uri }) => uri).join(' '));
    });
    server.registerTool('wait', { description: 'Says so, then waits' }, async ({ mcpReq }) => {
      await mcpReq.log('info', 'waiting');
      await gate.pass(mcpReq.signal);
      await mcpReq.log('info', 'goes on');
      return text('at last');
    });
    server.registerTool(
      'speak',
      { description: 'Says something on the own stream of the session', inputSchema: count },
      async (args) => {
        for (let number = 1; number <= args.count; number += 1) {
          await server.sendLoggingMessage({ level: 'info', data: `word ${number}` });
        }
        return text('spoken');
      },
    );
    server.registerTool('large', { description: 'Answers much', inputSchema: count }, (args) =>
      text('x'.repeat(args.count)),
    );
    return server;
  };
