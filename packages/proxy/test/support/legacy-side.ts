import type { Signal } from '../../src/cancellation.ts';
import { EventEmitter, once } from 'node:events';
import { onTestFinished } from 'vitest';
import { Message, type JsonObject, type RequestId } from '../../src/bridge/message.ts';
import { createModernHost } from '../../src/bridge/modern-host.ts';
import {
  HostCancelled,
  type OnMessage,
  type RequestContext,
  type ServerSide,
} from '../../src/bridge/server-side.ts';
import { unlessAborted } from '../../src/deadline.ts';
import { recordedLog, type RecordedLog } from './recorded-log.ts';

/** What a server does with a request. */
export type Work = (call: ServerCall) => JsonObject | Promise<JsonObject>;

/** A request at the server. */
export interface ServerCall {
  readonly message: Message;
  readonly signal: Signal;
  /** Sends the host a notification on the way of this request. */
  readonly say: (method: string, params?: JsonObject) => Promise<void>;
  /** Asks the host on the way of this request; gives its answer. */
  readonly ask: (id: RequestId, method: string, params?: JsonObject) => Promise<Message>;
}

/** A host of the modern era in front of a server of the legacy one, both in memory; closed when the test is. */
export interface ModernScene {
  readonly side: ServerSide;
  readonly log: RecordedLog;
  /** What reached the server, in order. */
  readonly received: Message[];
  /** What the host got that belongs to no request. */
  readonly unasked: Message[];
  /** The first message at the server that fits, whether it has come or is to come. */
  readonly when: (fits: (message: Message) => boolean) => Promise<Message>;
  /** The server says something of its own accord. */
  readonly say: (method: string, params?: JsonObject) => Promise<void>;
  /** The server asks something of its own accord. */
  readonly ask: (id: RequestId, method: string, params?: JsonObject) => Promise<Message>;
  /** A request of the host, and what it gets on its way. */
  readonly send: (id: RequestId, method: string, params?: JsonObject, meta?: JsonObject) => HostCall;
}

export interface HostCall {
  readonly answer: Promise<Message>;
  readonly result: Promise<JsonObject>;
  /** What came before the answer. */
  readonly heard: Message[];
  /** Resolves when so many messages have come before the answer. */
  readonly hears: (count: number) => Promise<void>;
  readonly cancel: (reason?: Error) => void;
}

/** What the host says that it can do, unless a test says otherwise. */
export const hostCapabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
export const serverInfo = { name: 'A legacy server', version: '3' };

/** @param works what the server does, by method; a result, or an object with `error` */
export function modernScene(
  works: Readonly<Record<string, Work>> = {},
  capabilities: JsonObject = {},
): ModernScene {
  const received: Message[] = [];
  const unasked: Message[] = [];
  const arrivals = new EventEmitter().setMaxListeners(0);
  const questions = new Map<RequestId, (answer: Message) => void>();
  const log = recordedLog();
  const end = new AbortController();
  let ownWay: OnMessage = () => undefined;

  const take = (message: Message): void => {
    received.push(message);
    arrivals.emit('message');
  };
  const askOn = async (
    way: OnMessage,
    id: RequestId,
    method: string,
    params?: JsonObject,
  ): Promise<Message> => {
    const answered = new Promise<Message>((resolve) => questions.set(id, resolve));
    await way(Message.of(params === undefined ? { id, method } : { id, method, params }));
    return answered;
  };
  const work = async (message: Message, context: RequestContext): Promise<Message> => {
    const { id = '', method = '' } = message;
    const way: OnMessage = (each) => context.onMessage(each);
    const outcome = await (works[method] ?? usual[method] ?? unknown)({
      message,
      signal: context.signal,
      say: async (name, params) => {
        await way(Message.notification(name, params));
      },
      ask: (question, name, params) => askOn(way, question, name, params),
    });
    return 'error' in outcome ? Message.of({ id, error: outcome['error'] }) : Message.result(id, outcome);
  };
  const usual: Record<string, Work> = {
    initialize: () => ({ protocolVersion: '2025-11-25', capabilities, serverInfo, instructions: 'Be kind.' }),
    'logging/setLevel': () => ({}),
    'resources/subscribe': () => ({}),
    'resources/unsubscribe': () => ({}),
  };
  const unknown: Work = ({ message }) => ({
    error: { code: -32_601, message: `no ${message.method ?? ''}` },
  });

  const server: ServerSide = {
    request: async (message, context) => {
      take(message);
      const onAbort = (): void => {
        const { reason } = context.signal as { reason: unknown };
        if (reason instanceof HostCancelled) take(reason.notification);
      };
      context.signal.addEventListener('abort', onAbort);
      try {
        return await unlessAborted(unlessAborted(work(message, context), context.signal), end.signal);
      } finally {
        context.signal.removeEventListener('abort', onAbort);
      }
    },
    notify: (message) => {
      take(message);
      if (message.kind === 'response') questions.get(message.id ?? '')?.(message);
      return Promise.resolve();
    },
    close: () => {
      end.abort(new Error('closed'));
      return Promise.resolve();
    },
  };
  const side = createModernHost(
    (onMessage) => {
      ownWay = onMessage;
      return server;
    },
    { onMessage: (message) => void unasked.push(message), log: log.log },
  );
  onTestFinished(() => side.close());

  return {
    side,
    log,
    received,
    unasked,
    when: async (fits) => {
      for (;;) {
        const found = received.find(fits);
        if (found !== undefined) return found;
        await once(arrivals, 'message');
      }
    },
    say: async (method, params) => {
      await ownWay(Message.notification(method, params));
    },
    ask: (id, method, params) => askOn(ownWay, id, method, params),
    send: (id, method, params = {}, meta = {}) => {
      const heard: Message[] = [];
      const exchange = new AbortController();
      const request = Message.request(id, method, { ...params, _meta: { ...modernMeta(), ...meta } });
      const answer = side.request(request, {
        signal: exchange.signal,
        onMessage: (message) => {
          heard.push(message);
          arrivals.emit('message');
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
        hears: async (count) => {
          while (heard.length < count) await once(arrivals, 'message');
        },
        cancel: (reason) => {
          const words = { requestId: id, reason: 'the user said so' };
          const cancelled = new HostCancelled(Message.notification('notifications/cancelled', words));
          exchange.abort(reason ?? cancelled);
        },
      };
    },
  };
}

export const serverInfoMeta = { 'io.modelcontextprotocol/serverInfo': serverInfo };

/** What every request of a modern host says of its sender. */
export function modernMeta(capabilities: JsonObject = hostCapabilities): JsonObject {
  return {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'A modern host', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  };
}

export function methods(messages: readonly Message[]): (string | undefined)[] {
  return messages.map(({ method }) => method);
}

export const named =
  (method: string) =>
  (message: Message): boolean =>
    message.method === method;
