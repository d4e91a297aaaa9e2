import { EventEmitter, once } from 'node:events';
import { setImmediate as immediate } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { createLegacyHost } from '../../src/bridge/legacy-host.ts';
import { Message, objectOf, type JsonObject, type RequestId } from '../../src/bridge/message.ts';
import { HostCancelled, type RequestContext, type ServerSide } from '../../src/bridge/server-side.ts';
import { unlessAborted } from '../../src/deadline.ts';
import { recordedLog, type RecordedLog } from './recorded-log.ts';

/** What a server does with a request: a result, or an object with `error`. */
export type Work = (call: ServerCall) => JsonObject | Promise<JsonObject>;

/** A request at the server. */
export interface ServerCall {
  readonly message: Message;
  /** Sends the host something on the way of this request. */
  readonly say: (message: Message) => Promise<void>;
}

/** A `subscriptions/listen` at the server. */
export interface Stream {
  readonly message: Message;
  /** What the host wants to hear of. */
  readonly filter: JsonObject;
  readonly isOpen: () => boolean;
  readonly acknowledge: (honoured?: JsonObject) => Promise<void>;
  readonly report: (method: string, params?: JsonObject) => Promise<void>;
  /** The server ends it: by a result, by an error (`error`), or by an exception. */
  readonly end: (outcome?: JsonObject | Error) => void;
}

export interface HostCall {
  readonly answer: Promise<Message>;
  readonly result: Promise<JsonObject>;
  /** What came before the answer. */
  readonly heard: Message[];
  readonly cancel: () => void;
}

/** A host of the legacy era in front of a server of the modern one, both in memory; closed when the test is. */
export interface LegacyScene {
  readonly side: ServerSide;
  readonly log: RecordedLog;
  /** What reached the server, in order, without what listens. */
  readonly received: Message[];
  /** How often and how the server's requests were aborted. */
  readonly aborted: unknown[];
  readonly streams: Stream[];
  /** What the host got that belongs to no request. */
  readonly unasked: Message[];
  /** How long was waited, in milliseconds. Each wait is over at once, or when {@link goOn} is called. */
  readonly waits: number[];
  readonly goOn: () => void;
  readonly clock: { now: number };
  /** Resolves when something is so; looks whenever anything has happened. */
  readonly until: <Value>(look: () => Value | undefined | false) => Promise<Value>;
  /** The stream that is the n-th to come, from 1 on. */
  readonly stream: (n: number) => Promise<Stream>;
  readonly initialize: (params?: JsonObject) => Promise<JsonObject>;
  readonly send: (id: RequestId, method: string, params?: JsonObject) => HostCall;
  readonly notify: (method: string, params?: JsonObject) => Promise<void>;
  /** The host answers a question. */
  readonly reply: (question: Message | undefined, outcome: JsonObject) => Promise<void>;
}

export const url = new URL('https://mcp.example.com/mcp');
export const serverInfo = { name: 'A modern server', version: '4' };
export const serverInfoMeta = { 'io.modelcontextprotocol/serverInfo': serverInfo };
export const hostInfo = { name: 'A legacy host', version: '2' };

/** What a modern server's result has besides. */
export const complete = { resultType: 'complete', _meta: serverInfoMeta };

/** What the host says of itself in each request. */
export function envelope(capabilities: JsonObject = {}): JsonObject {
  return {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': hostInfo,
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  };
}

/**
 * @param works what the server does, by method
 * @param options.capabilities the server's
 * @param options.patient whether waits last until {@link LegacyScene.goOn}
 */
export function legacyScene(
  works: Readonly<Record<string, Work>> = {},
  options: { readonly capabilities?: JsonObject; readonly patient?: boolean } = {},
): LegacyScene {
  const { capabilities = {}, patient = false } = options;
  const received: Message[] = [];
  const aborted: unknown[] = [];
  const streams: Stream[] = [];
  const unasked: Message[] = [];
  const waits: number[] = [];
  const clock = { now: 0 };
  const happenings = new EventEmitter().setMaxListeners(0);
  const happens = (): void => void happenings.emit('happening');
  const log = recordedLog();
  const end = new AbortController();

  const answerOf = ({ id = '' }: Message, outcome: JsonObject): Message =>
    'error' in outcome ? Message.of({ id, error: outcome['error'] }) : Message.result(id, outcome);
  const usual: Record<string, Work> = {
    'server/discover': () => ({
      ...complete,
      supportedVersions: ['2026-07-28'],
      capabilities,
      instructions: 'Be brief.',
      ttlMs: 5,
      cacheScope: 'public',
    }),
  };
  const unknown: Work = ({ message }) => ({
    error: { code: -32_601, message: `no ${message.method ?? ''}` },
  });

  const listen = (message: Message, context: RequestContext): Promise<Message> =>
    new Promise((resolve, reject) => {
      const { id = '', params } = message;
      const filter = objectOf(params['notifications']);
      const _meta = { 'io.modelcontextprotocol/subscriptionId': id };
      let isOpen = true;
      const report = async (method: string, more: JsonObject = {}): Promise<void> => {
        await context.onMessage(Message.notification(method, { ...more, _meta }));
      };
      const over = (): void => {
        isOpen = false;
        happens();
      };
      context.signal.addEventListener('abort', over);
      streams.push({
        message,
        filter,
        isOpen: () => isOpen,
        acknowledge: (honoured = filter) =>
          report('notifications/subscriptions/acknowledged', { notifications: honoured }),
        report,
        end: (outcome = { resultType: 'complete', _meta }) => {
          over();
          if (outcome instanceof Error) reject(outcome);
          else resolve(answerOf(message, outcome));
        },
      });
      happens();
    });

  const server: ServerSide = {
    request: async (message, context) => {
      const { method = '' } = message;
      const isListening = method === 'subscriptions/listen';
      if (!isListening) received.push(message);
      happens();
      const onAbort = (): void => {
        if (!isListening) aborted.push(context.signal.reason);
        happens();
      };
      context.signal.addEventListener('abort', onAbort);
      const say = async (each: Message): Promise<void> => context.onMessage(each);
      const working =
        isListening && works[method] === undefined
          ? listen(message, context)
          : Promise.resolve((works[method] ?? usual[method] ?? unknown)({ message, say })).then((outcome) =>
              answerOf(message, outcome),
            );
      try {
        return await unlessAborted(unlessAborted(working, end.signal), context.signal);
      } finally {
        context.signal.removeEventListener('abort', onAbort);
      }
    },
    notify: (message) => {
      received.push(message);
      happens();
      return Promise.resolve();
    },
    close: () => {
      end.abort(new Error('closed'));
      return Promise.resolve();
    },
  };

  const side = createLegacyHost(server, {
    server: url,
    onMessage: (message) => {
      unasked.push(message);
      happens();
    },
    log: log.log,
    now: () => clock.now,
    wait: async (milliseconds, signal) => {
      waits.push(milliseconds);
      happens();
      await unlessAborted<unknown>(patient ? once(happenings, 'go on') : immediate(), signal);
    },
  });
  onTestFinished(() => side.close());

  const scene: LegacyScene = {
    side,
    log,
    received,
    aborted,
    streams,
    unasked,
    waits,
    goOn: () => void happenings.emit('go on'),
    clock,
    until: async (look) => {
      for (;;) {
        const found = look();
        if (found !== undefined && found !== false) return found;
        await once(happenings, 'happening');
      }
    },
    stream: (n) => scene.until(() => streams[n - 1]),
    initialize: (params) =>
      scene.send('init', 'initialize', {
        protocolVersion: '2025-06-18',
        capabilities: {},
        clientInfo: hostInfo,
        ...params,
      }).result,
    send: (id, method, params) => {
      const heard: Message[] = [];
      const exchange = new AbortController();
      const answer = side.request(Message.request(id, method, params), {
        signal: exchange.signal,
        onMessage: (message) => {
          heard.push(message);
          happens();
        },
      });
      const result = answer.then(({ result: value, error }) => {
        if (value === undefined) throw new Error(`${error?.code ?? ''} ${error?.message ?? ''}`);
        return value;
      });
      for (const promise of [answer, result]) promise.catch(() => undefined);
      return {
        answer,
        result,
        heard,
        cancel: () => {
          const words = { requestId: id, reason: 'the user said so' };
          exchange.abort(new HostCancelled(Message.notification('notifications/cancelled', words)));
        },
      };
    },
    notify: (method, params) => side.notify(Message.notification(method, params)),
    reply: async (question, outcome) => {
      const { id = '' } = question ?? {};
      await side.notify(
        'error' in outcome ? Message.of({ id, error: outcome['error'] }) : Message.result(id, outcome),
      );
    },
  };
  return scene;
}
