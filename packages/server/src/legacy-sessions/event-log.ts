import { isJSONRPCResponse, type JSONRPCMessage, type RequestId } from '@modelcontextprotocol/server';
import { eventLimits, type SessionEvent, type Sessions } from '../shared-state/sessions.ts';

/** The stream on which the server speaks without being asked: what GET opens. */
export const ownStream = 'session';

/** The id of an event as clients know it: unique in the session, and telling its stream. */
export const eventIdOf = ({ stream, id }: Pick<SessionEvent, 'stream' | 'id'>): string => `${stream}.${id}`;

/** Reads what {@link eventIdOf} wrote; undefined for anything else. */
export function eventPosition(eventId: string): { stream: string; id: string } | undefined {
  const [, stream, id] = /^([\w-]+(?:\.[\w-]+)?)\.(\d+(?:-\d+)?)$/u.exec(eventId) ?? [];
  return stream === undefined || id === undefined ? undefined : { stream, id };
}

/** Milliseconds between two tries to keep the last event of a stream, and how often it is tried. */
const retryPause = 1_000;
const mostTries = 60;

/** Keeps what is sent in a session. */
export class EventLog {
  readonly #sessions: Sessions;
  readonly #sessionId: string;
  readonly #onerror: (error: Error) => void;

  constructor(sessions: Sessions, sessionId: string, onerror: (error: Error) => void) {
    this.#sessions = sessions;
    this.#sessionId = sessionId;
    this.#onerror = onerror;
  }

  /**
   * Keeps a message before it is sent.
   *
   * @param pending the requests that the stream has still to answer
   * @returns the event's id; empty when it could not be kept: it is sent all the same, without being resumable
   */
  async append(stream: string, message: JSONRPCMessage, pending: readonly RequestId[]): Promise<string> {
    const event = { stream, message: textOf(message), pending };
    try {
      const id = await this.#sessions.append(this.#sessionId, event);
      return id === undefined ? '' : eventIdOf({ stream, id });
    } catch (error) {
      this.#onerror(error as Error);
      // Whoever resumes the stream later waits for it.
      if (stream !== ownStream && pending.length === 0) this.#appendLater(event, mostTries);
      return '';
    }
  }

  #appendLater(event: Omit<SessionEvent, 'id'>, tries: number): void {
    setTimeout(() => {
      this.#sessions.append(this.#sessionId, event).catch((error: unknown) => {
        if (tries > 1) this.#appendLater(event, tries - 1);
        else this.#onerror(error as Error);
      });
    }, retryPause).unref();
  }
}

/** What is kept of a message: itself, but for an answer that is too large to be kept. */
function textOf(message: JSONRPCMessage): string {
  // The transport gives a stream its first id with an empty message.
  if (!('jsonrpc' in message)) return '';
  const text = JSON.stringify(message);
  if (Buffer.byteLength(text) <= eventLimits.bytes) return text;
  if (!isJSONRPCResponse(message)) return '';
  return JSON.stringify({
    jsonrpc: '2.0',
    id: message.id,
    error: {
      code: -32_000,
      message: 'The connection was cut, and the answer is too large to be sent again.',
    },
  });
}
