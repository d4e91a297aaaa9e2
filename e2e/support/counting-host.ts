import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createWriteStream, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { Environment } from './private-home.ts';
import { binFile } from './programs.ts';

type Id = string | number;

/** What the proxy answered a request with. */
export interface Reply {
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: { readonly code?: string };
  };
  /** Since the request was sent. */
  readonly milliseconds: number;
}

interface Line {
  readonly id?: Id | null;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: Reply['error'];
}

const clientInfo = { name: 'counting-host', version: '1.0.0' };
const key = (name: string): string => `io.modelcontextprotocol/${name}`;
const modernMeta = {
  [key('protocolVersion')]: '2026-07-28',
  [key('clientInfo')]: clientInfo,
  [key('clientCapabilities')]: {},
};

/** A host that keeps count: of requests and their answers, and of lines that are neither an answer nor anything else due. */
export class CountingHost {
  /** How many requests were sent. */
  sent = 0;
  /** How many first answers came. */
  answered = 0;
  /** How many answers crossed the cancellation of their request on the way, which they may. */
  crossed = 0;
  /** Answers to requests that had theirs, or never were; and lines that are no JSON-RPC. */
  readonly surplus: string[] = [];
  /** Notifications so far, by method. */
  readonly notified = new Map<string, number>();
  /** The exit code, or the signal's name. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Hears of each notification, with its parameters. */
  onNotification: (method: string, params: unknown) => void = () => undefined;
  stderr = '';
  readonly #era: 'legacy' | 'modern';
  readonly #child: ChildProcess;
  readonly #output: Readable;
  readonly #errors: Readable;
  readonly #input: Writable;
  readonly #open = new Map<Id, { readonly begin: number; readonly settle: (reply: Reply) => void }>();
  readonly #cancelled = new Set<Id>();
  readonly #events = new EventEmitter();
  #pieces: string[] = [];
  #ids = 0;
  #onUnreadable: () => void = () => {
    this.surplus.push('an answer without an id');
  };

  /**
   * @param nodeFlags for the proxy's Node
   * @param fifo a named pipe that becomes the proxy's stdin, and that nobody's end closes
   */
  constructor(
    era: 'legacy' | 'modern',
    args: readonly string[],
    env: Environment,
    { nodeFlags = [], fifo }: { nodeFlags?: readonly string[]; fifo?: string } = {},
  ) {
    this.#era = era;
    const command = [...nodeFlags, binFile('mcp-keyhole'), ...args];
    const end = fifo === undefined ? undefined : openSync(fifo, 'r+');
    this.#child = spawn(process.execPath, command, { env, stdio: [end ?? 'pipe', 'pipe', 'pipe'] });
    const { stdin, stdout, stderr } = this.#child;
    const input = end === undefined ? stdin : createWriteStream('', { fd: end });
    if (input === null || stdout === null || stderr === null) throw new Error('The proxy has no pipes.');
    this.#input = input.on('error', () => undefined);
    this.#output = stdout;
    this.#errors = stderr;
    stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#read(text);
    });
    stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        resolve(code ?? signal ?? 1);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits for the next words on stderr. @throws Error when the proxy ends first */
  async heard(): Promise<void> {
    const gone = this.ended.then((code) => {
      throw new Error(`The proxy ended with ${code}.\n${this.stderr}`);
    });
    await Promise.race([once(this.#errors, 'data'), gone]);
  }

  /** Waits until a notification of that method has come. */
  async hearsOf(method: string): Promise<void> {
    await this.hasHeard(method, 1);
  }

  /** Waits until that many notifications of a method have come. */
  async hasHeard(method: string, times: number): Promise<void> {
    while ((this.notified.get(method) ?? 0) < times) await once(this.#events, 'notification');
  }

  /** Requests without an answer yet. */
  get waiting(): number {
    return this.#open.size;
  }

  /** The first request of the host's era, and what a host says then. */
  async greet(): Promise<Reply> {
    if (this.#era === 'modern') return this.request('server/discover');
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const reply = await this.request('initialize', params);
    if (reply.result !== undefined) this.notify('notifications/initialized');
    return reply;
  }

  /** Sends a request and gives its answer, however long that takes. */
  request(method: string, params: object = {}, id: Id = this.nextId()): Promise<Reply> {
    const { _meta = {} } = params as { _meta?: object };
    const meta = this.#era === 'modern' ? { ...modernMeta, ..._meta } : _meta;
    const whole = Object.keys(meta).length === 0 ? params : { ...params, _meta: meta };
    this.sent += 1;
    return new Promise((resolve) => {
      this.#open.set(id, { begin: performance.now(), settle: resolve });
      this.#write({ id, method, params: whole });
    });
  }

  /** Cancels a request unless it has its answer. Its promise stays open. */
  cancel(id: Id): void {
    if (!this.#open.delete(id)) return;
    this.#cancelled.add(id);
    this.sent -= 1;
    this.notify('notifications/cancelled', { requestId: id, reason: 'the test has it so' });
  }

  notify(method: string, params: object = {}): void {
    this.#write({ method, params });
  }

  /** Types what need not be a message. */
  type(text: string): void {
    this.#input.write(text);
  }

  /** Waits for the answer to something typed that is no message. */
  unreadable(): Promise<void> {
    return new Promise((resolve) => {
      this.#onUnreadable = resolve;
    });
  }

  nextId(): Id {
    this.#ids += 1;
    // Both kinds, and 0 among them.
    return this.#ids % 2 === 0 ? `request-${this.#ids}` : this.#ids - 1;
  }

  /** Reads no answers until {@link resume}. */
  pause(): void {
    this.#output.pause();
  }

  resume(): void {
    this.#output.resume();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  endInput(): void {
    this.#input.end();
  }

  /** Ends the proxy's input and waits for the proxy; insists after five seconds. */
  async close(): Promise<number | NodeJS.Signals> {
    this.endInput();
    const insist = setTimeout(() => {
      this.signal('SIGKILL');
    }, 5_000);
    const code = await this.ended;
    clearTimeout(insist);
    return code;
  }

  #write(message: object): void {
    this.#input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  #read(text: string): void {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.#pieces.push(text.slice(from, end));
      this.#take(this.#pieces.join(''));
      this.#pieces = [];
      from = end + 1;
    }
    if (from < text.length) this.#pieces.push(text.slice(from));
  }

  #take(text: string): void {
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      this.surplus.push(text);
      return;
    }
    const { id, method, params, result, error } = line;
    if (method !== undefined) {
      this.notified.set(method, (this.notified.get(method) ?? 0) + 1);
      this.onNotification(method, params);
      this.#events.emit('notification');
      return;
    }
    if (id === null) {
      this.#onUnreadable();
      return;
    }
    const open = this.#open.get(id ?? '');
    if (this.#cancelled.delete(id ?? '')) {
      this.crossed += 1;
      return;
    }
    if (open === undefined || (result === undefined) === (error === undefined)) {
      this.surplus.push(text.slice(0, 500));
      return;
    }
    this.#open.delete(id ?? '');
    this.answered += 1;
    const milliseconds = performance.now() - open.begin;
    open.settle({ ...(result && { result }), ...(error && { error }), milliseconds });
  }
}
