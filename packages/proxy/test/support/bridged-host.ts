import { EventEmitter, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { onTestFinished } from 'vitest';
import { Bridge, type BridgeRules } from '../../src/bridge/bridge.ts';
import { EraChooser, type EraChooserContext } from '../../src/bridge/era-chooser.ts';
import type { Era } from '../../src/bridge/era.ts';
import { noMemory } from '../../src/bridge/remembered-server.ts';
import type { ServerSide } from '../../src/bridge/server-side.ts';
import { StdioHost } from '../../src/bridge/stdio.ts';
import { Endpoint, type TokenProvider } from '../../src/http/endpoint.ts';
import { createExchange } from '../../src/http/exchange.ts';
import { networkSettings } from './network-settings.ts';
import type { ToolFilter } from '../../src/bridge/tool-filter.ts';
import { recordedLog, type RecordedLog } from './recorded-log.ts';

/** A JSON-RPC message as it stands on a line. */
export interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { code: number; message: string; data?: { code?: string; remedy?: string } };
}

/** The host's end of a bridge. */
export interface BridgedHost {
  readonly log: RecordedLog;
  /** Every message that the bridge wrote, in order. */
  readonly received: Message[];
  /** Writes a text to the bridge as it is. */
  write(text: string): void;
  send(message: Omit<Message, 'jsonrpc'>): void;
  /** Sends a request and gives its answer. */
  request(id: string | number, method: string, params?: Record<string, unknown>): Promise<Message>;
  /** The first message that fits, whether it has come or is to come. */
  when(fits: (message: Message) => boolean): Promise<Message>;
  /** Closes the host's end; resolves when the bridge has ended. */
  end(): Promise<void>;
  /** Ends the bridge as a signal to the process does. */
  shutDown(): Promise<void>;
}

const anonymous: TokenProvider = {
  token: () => Promise.resolve(undefined),
  onUnauthorized: () => Promise.resolve(),
  onInsufficientScope: () => Promise.resolve(),
  onAccepted: () => undefined,
};

/** A bridge to a server, with in-memory streams as its stdio; ended when the test is. */
export function bridgedHost(
  server: URL,
  options: {
    tokens?: TokenProvider;
    headers?: [string, string][];
    shutdown?: AbortController;
    rules?: BridgeRules;
    filter?: ToolFilter | undefined;
    /** What the server speaks, as it would be remembered. Default: legacy. */
    era?: Era;
    /** Default: the one that fits the eras, over Streamable HTTP. */
    side?: (context: EraChooserContext) => ServerSide;
  } = {},
): BridgedHost {
  const input = new PassThrough();
  const output = new PassThrough();
  const log = recordedLog();
  const received: Message[] = [];
  const arrivals = new EventEmitter().setMaxListeners(0);
  let rest = '';
  output.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    received.push(...lines.map((line) => JSON.parse(line) as Message));
    arrivals.emit('message');
  });
  const { shutdown = new AbortController(), era = 'legacy', side } = options;
  const endpoint = new Endpoint(server, {
    tokens: options.tokens ?? anonymous,
    headers: () => Promise.resolve(options.headers ?? []),
    exchange: createExchange(networkSettings, {}),
    log: log.log,
  });
  const memory = { ...noMemory, facts: () => Promise.resolve({ era }) };
  const bridge = new Bridge(
    new StdioHost(input, output),
    (onMessage) => {
      const context = { endpoint, memory, onMessage, log: log.log };
      const open = side?.(context) ?? new EraChooser(context);
      return options.filter?.applied(open) ?? open;
    },
    { server, log: log.log, rules: options.rules ?? {} },
  );
  const running = bridge.run(shutdown.signal);
  const host: BridgedHost = {
    log,
    received,
    write: (text) => void input.write(text),
    send: (message) => void input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    request: (id, method, params) => {
      host.send(params === undefined ? { id, method } : { id, method, params });
      return host.when((message) => message.id === id && message.method === undefined);
    },
    when: async (fits) => {
      for (;;) {
        const found = received.find(fits);
        if (found !== undefined) return found;
        await once(arrivals, 'message');
      }
    },
    end: async () => {
      input.end();
      await running;
    },
    shutDown: async () => {
      shutdown.abort(new Error('SIGTERM'));
      await running;
    },
  };
  onTestFinished(() => host.end());
  return host;
}
