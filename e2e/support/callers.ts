import { eventsOf, SessionClient } from '../../packages/server/test/support/session-client.ts';

/** How a client calls: of the legacy era without or with a session, or of the modern era. */
export const manners = ['without a session', 'in a session', 'modern era'] as const;
export type Manner = (typeof manners)[number];

/** What came of a call. */
export type Outcome =
  | { readonly kind: 'answered'; readonly greeting: string }
  /** An HTTP status that is none of success. */
  | { readonly kind: 'refused'; readonly status: number; readonly retryAfter: string | null }
  /** A JSON-RPC error. */
  | { readonly kind: 'failed'; readonly message: string }
  /** The connection broke, and the client knows it. */
  | { readonly kind: 'cut'; readonly reason: string }
  /** Nothing at all, and nobody who says so. */
  | { readonly kind: 'lost' };

/** Milliseconds after which a call counts as lost. */
const deadline = 20_000;

const modernVersion = '2026-07-28';

/** A client of the tool `get_name`. */
export class Caller {
  readonly manner: Manner;
  readonly #token: string;
  readonly #client: SessionClient;

  constructor(token: string, manner: Manner) {
    this.manner = manner;
    this.#token = token;
    this.#client = new SessionClient({ token });
  }

  /**
   * Begins the session, for a caller that has one.
   *
   * @throws Error when the server gives none
   */
  async begin(endpoint: string): Promise<void> {
    if (this.manner !== 'in a session') return;
    const { status } = await this.#client.begin(endpoint);
    if (this.#client.sessionId === '') throw new Error(`initialize was answered ${status} without a session`);
  }

  async call(endpoint: string): Promise<Outcome> {
    const signal = AbortSignal.timeout(deadline);
    try {
      const sent =
        this.manner === 'modern era'
          ? this.#callModern(endpoint, signal)
          : this.#callLegacy(endpoint, signal);
      const { id } = sent;
      let response = await sent.response;
      for (;;) {
        if (!response.ok) {
          await response.text();
          return {
            kind: 'refused',
            status: response.status,
            retryAfter: response.headers.get('retry-after'),
          };
        }
        const { message, resumeAfter } = await readAnswer(response, id);
        if (message !== undefined) return outcomeOf(message);
        // A client in a session reads on elsewhere, as MCP has it; whoever has none knows that there will be no answer.
        if (resumeAfter === undefined) return { kind: 'cut', reason: 'the stream ended without an answer' };
        response = await this.#client.listen(endpoint, resumeAfter, signal);
      }
    } catch (error) {
      return signal.aborted ? { kind: 'lost' } : { kind: 'cut', reason: reasonOf(error) };
    }
  }

  #callLegacy(endpoint: string, signal: AbortSignal): { id: number; response: Promise<Response> } {
    const response = this.#client.call(endpoint, 'get_name', {}, signal);
    return { id: this.#client.lastId, response };
  }

  #callModern(endpoint: string, signal: AbortSignal): { id: number; response: Promise<Response> } {
    const response = fetch(endpoint, {
      method: 'POST',
      signal,
      headers: {
        Authorization: `Bearer ${this.#token}`,
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'Mcp-Protocol-Version': modernVersion,
        'Mcp-Method': 'tools/call',
        'Mcp-Name': 'get_name',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name: 'get_name',
          arguments: {},
          _meta: {
            'io.modelcontextprotocol/protocolVersion': modernVersion,
            'io.modelcontextprotocol/clientInfo': { name: 'caller', version: '1.0.0' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    });
    return { id: 1, response };
  }
}

interface Read {
  readonly message?: Readonly<Record<string, unknown>>;
  /** The last event, when the stream ended, or broke, before the answer. */
  readonly resumeAfter?: string;
}

/** Reads a response, JSON or events, up to the answer to a request. */
async function readAnswer(response: Response, id: number): Promise<Read> {
  if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
    return { message: (await response.json()) as Record<string, unknown> };
  }
  let last: string | undefined;
  try {
    for await (const event of eventsOf(response)) {
      last = event.id ?? last;
      if (event.message?.['id'] === id) return { message: event.message };
    }
  } catch (error) {
    if (last === undefined) throw error;
  }
  return last === undefined ? {} : { resumeAfter: last };
}

function outcomeOf(message: Readonly<Record<string, unknown>>): Outcome {
  const { result, error } = message as {
    result?: { structuredContent?: { result?: string } };
    error?: { message: string };
  };
  const greeting = result?.structuredContent?.result;
  if (greeting !== undefined) return { kind: 'answered', greeting };
  return { kind: 'failed', message: error?.message ?? JSON.stringify(message) };
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
