import type { RunningProcess } from './processes.ts';

/** What the proxy answered a request with, and when. */
export interface Answer {
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: Readonly<Record<string, unknown>>;
  };
  /** Since the host started the proxy. */
  readonly milliseconds: number;
}

/** A tool as far as the tests look at it. */
export interface ListedTool {
  readonly name: string;
  readonly description?: string;
}

const info = { name: 'raw-host', version: '1.0.0' };
const key = (name: string): string => `io.modelcontextprotocol/${name}`;
const modernMeta = {
  [key('protocolVersion')]: '2026-07-28',
  [key('clientInfo')]: info,
  [key('clientCapabilities')]: {},
};

/** A host without an SDK, which waits for nothing but what it is told to, and has no patience that ends. */
export class RawHost {
  readonly era: 'legacy' | 'modern';
  readonly #proxy: RunningProcess;
  readonly #started = performance.now();
  #requests = 0;

  /** @param proxy just started */
  constructor(era: 'legacy' | 'modern', proxy: RunningProcess) {
    this.era = era;
    this.#proxy = proxy;
  }

  /** The first request of the host's era. A host that was greeted says, or asks for, what it does then. */
  async greet(timeout = 30_000): Promise<Answer> {
    if (this.era === 'legacy') {
      const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: info };
      const answer = await this.request('initialize', params, timeout);
      this.#type({ method: 'notifications/initialized' });
      return answer;
    }
    const answer = await this.request('server/discover', {}, timeout);
    this.#send('subscriptions/listen', { notifications: { toolsListChanged: true } });
    return answer;
  }

  /** @param timeout in milliseconds */
  async request(method: string, params: object = {}, timeout = 30_000): Promise<Answer> {
    const id = this.#send(method, params);
    const pattern = new RegExp(`^(\\{.*"id":"${id}".*\\})\\n`, 'mu');
    const [, line = ''] = await this.#proxy.prints('stdout', pattern, timeout);
    const { result, error } = JSON.parse(line) as Answer;
    const milliseconds = performance.now() - this.#started;
    return { ...(result && { result }), ...(error && { error }), milliseconds };
  }

  async tools(timeout?: number): Promise<readonly ListedTool[]> {
    const { result } = await this.request('tools/list', {}, timeout);
    return (result?.['tools'] ?? []) as readonly ListedTool[];
  }

  /** The text that a tool answers with. */
  async call(name: string, timeout?: number): Promise<string> {
    const { result, error } = await this.request('tools/call', { name, arguments: {} }, timeout);
    if (result === undefined) throw new Error(`${name}: ${error?.message ?? 'no answer'}`);
    const [first] = result['content'] as readonly { readonly text?: string }[];
    return first?.text ?? '';
  }

  /** Waits until the host has been told that the tools are others now. */
  async toolsChange(timeout = 30_000): Promise<void> {
    await this.#proxy.prints('stdout', /"method":"notifications\/tools\/list_changed"/u, timeout);
  }

  /** Ends the proxy's input, and waits for it. */
  async close(): Promise<void> {
    this.#proxy.endInput();
    await this.#proxy.ended;
  }

  #send(method: string, params: object): string {
    this.#requests += 1;
    const id = `${this.era}-${this.#requests}`;
    this.#type({ id, method, params: this.era === 'legacy' ? params : { ...params, _meta: modernMeta } });
    return id;
  }

  #type(message: object): void {
    this.#proxy.type(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }
}
