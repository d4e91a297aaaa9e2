/** A message in an event stream, or an event without one. */
export interface ReceivedEvent {
  readonly id: string | undefined;
  readonly message: Record<string, unknown> | undefined;
}

export interface SessionClientOptions {
  readonly token: string;
  readonly protocolVersion?: string;
  readonly capabilities?: object;
}

/** A legacy client by hand: it sends each request wherever it is told to. */
export class SessionClient {
  readonly options: SessionClientOptions;
  sessionId = '';
  #lastId = 0;

  constructor(options: SessionClientOptions) {
    this.options = options;
  }

  /** Begins the session, and says that it has begun. */
  async begin(endpoint: string): Promise<Response> {
    const { protocolVersion = '2025-11-25', capabilities = {} } = this.options;
    const response = await this.post(endpoint, {
      id: 'first',
      method: 'initialize',
      params: { protocolVersion, capabilities, clientInfo: { name: 'by-hand', version: '1.0.0' } },
    });
    this.sessionId = response.headers.get('mcp-session-id') ?? '';
    await response.clone().text();
    await this.post(endpoint, { method: 'notifications/initialized' });
    return response;
  }

  async post(endpoint: string, message: object, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(endpoint, {
      method: 'POST',
      headers: { ...this.headers(), 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(Array.isArray(message) ? message : { jsonrpc: '2.0', ...message }),
    });
  }

  async call(endpoint: string, name: string, args: object = {}, signal?: AbortSignal): Promise<Response> {
    this.#lastId += 1;
    const params = { name, arguments: args };
    return fetch(endpoint, {
      method: 'POST',
      headers: { ...this.headers(), 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: this.#lastId, method: 'tools/call', params }),
      ...(signal !== undefined && { signal }),
    });
  }

  /** The id of the last call. */
  get lastId(): number {
    return this.#lastId;
  }

  async listen(endpoint: string, lastEventId?: string, signal?: AbortSignal): Promise<Response> {
    return fetch(endpoint, {
      headers: {
        ...this.headers(),
        ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }),
      },
      ...(signal !== undefined && { signal }),
    });
  }

  async end(endpoint: string): Promise<Response> {
    return fetch(endpoint, { method: 'DELETE', headers: this.headers() });
  }

  headers(): Record<string, string> {
    return {
      Authorization: `Bearer ${this.options.token}`,
      Accept: 'application/json, text/event-stream',
      ...(this.sessionId !== '' && {
        'Mcp-Session-Id': this.sessionId,
        'Mcp-Protocol-Version': this.options.protocolVersion ?? '2025-11-25',
      }),
    };
  }
}

/** The events of a response as they come, comments left out. */
export async function* eventsOf(response: Response): AsyncGenerator<ReceivedEvent, void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      const data = /^data: ?(?<data>.*)$/mu.exec(event)?.groups?.['data'];
      if (data === undefined) continue;
      yield {
        id: /^id: (?<id>.*)$/mu.exec(event)?.groups?.['id'],
        message: data === '' ? undefined : (JSON.parse(data) as Record<string, unknown>),
      };
    }
  }
}

/** All events up to the end of the stream. */
export async function allEvents(response: Response): Promise<ReceivedEvent[]> {
  const events: ReceivedEvent[] = [];
  for await (const event of eventsOf(response)) events.push(event);
  return events;
}

/** The next event that carries a message. */
export async function nextMessage(
  events: AsyncGenerator<ReceivedEvent, void>,
): Promise<{ id: string | undefined; message: Record<string, unknown> }> {
  for (;;) {
    const { value, done } = await events.next();
    if (done === true) throw new Error('the stream has ended');
    if (value.message !== undefined) return { id: value.id, message: value.message };
  }
}
