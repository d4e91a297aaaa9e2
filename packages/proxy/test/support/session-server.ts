import type { ServerResponse } from 'node:http';
import { result } from './bent-server.ts';
import type { Message } from './bridged-host.ts';
import { loopbackServer, sendJson, type LoopbackServer, type ReceivedRequest } from './loopback-server.ts';

/** A request that has a session, and so is carried out. */
export interface Call {
  readonly message: Message;
  readonly request: ReceivedRequest;
  readonly response: ServerResponse;
  /** How often this method was carried out before. */
  readonly before: number;
}

export interface SessionServerOptions {
  /** Carries out a message; `server` leaves the answer to the server, which says `{}` or 202. */
  readonly work?: (call: Call) => 'server' | 'done';
  /** Answers GET; default: 405. */
  readonly stream?: (call: Omit<Call, 'message'>) => void;
  /** Answers DELETE; default: 204. */
  readonly end?: (response: ServerResponse) => void;
  /** Answers a request of a session that is not known. Default: 404 with words. */
  readonly unknown?: (response: ServerResponse) => void;
  /** The result of the handshake with this number, from 1; or the whole answer to it, with `error`. */
  readonly greeting?: (number: number) => Record<string, unknown>;
}

/** A legacy server that keeps sessions, and can lose them. */
export interface SessionServer extends LoopbackServer {
  /** What was carried out: the session and the method, an answer of the host as `response`. */
  readonly carriedOut: readonly (readonly [session: string, method: string])[];
  /** Forgets all sessions, as a restart does. @param andNext those too that are begun from now on */
  loseSessions(andNext?: boolean): void;
}

export const usualGreeting = {
  protocolVersion: '2025-06-18',
  capabilities: { tools: {} },
  serverInfo: { name: 'A legacy server', version: '1' },
};

export async function sessionServer(options: SessionServerOptions = {}): Promise<SessionServer> {
  const sessions = new Set<string>();
  const carriedOut: [string, string][] = [];
  let handshakes = 0;
  let isForgetful = false;
  const { greeting = () => usualGreeting } = options;
  const notFound = (response: ServerResponse): void => {
    const error = { code: -32_001, message: 'Session not found' };
    sendJson(response, 404, { jsonrpc: '2.0', id: null, error });
  };
  const begin = ({ id }: Message, response: ServerResponse): void => {
    handshakes += 1;
    const value = greeting(handshakes);
    const answer = result(id, value);
    if ('error' in value) {
      sendJson(response, 200, { jsonrpc: '2.0', id, error: value['error'] });
      return;
    }
    const session = `session-${handshakes}`;
    if (!isForgetful) sessions.add(session);
    carriedOut.push([session, 'initialize']);
    sendJson(response, 200, answer, { 'mcp-session-id': session });
  };
  const server = await loopbackServer((request, response) => {
    const { method, body, headers } = request;
    const message = method === 'POST' ? (JSON.parse(body) as Message) : undefined;
    if (message?.method === 'initialize') {
      begin(message, response);
      return;
    }
    const session = String(headers['mcp-session-id']);
    if (!sessions.has(session)) {
      (options.unknown ?? notFound)(response);
      return;
    }
    const name = message?.method ?? (message === undefined ? method : 'response');
    const before = carriedOut.filter(([, each]) => each === name).length;
    carriedOut.push([session, name]);
    if (message !== undefined) {
      const isRequest = message.id !== undefined && message.method !== undefined;
      if (options.work?.({ message, request, response, before }) === 'done') return;
      if (isRequest) sendJson(response, 200, result(message.id, {}));
      else response.writeHead(202).end();
    } else if (method === 'GET') {
      if (options.stream === undefined) response.writeHead(405).end();
      else options.stream({ request, response, before });
    } else {
      sessions.delete(session);
      if (options.end === undefined) response.writeHead(204).end();
      else options.end(response);
    }
  });
  return {
    ...server,
    carriedOut,
    loseSessions: (andNext = false) => {
      isForgetful = andNext;
      sessions.clear();
    },
  };
}
