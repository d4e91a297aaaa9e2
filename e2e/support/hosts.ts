import type { ChildProcess } from 'node:child_process';
import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { Environment } from './private-home.ts';
import type { Output } from './processes.ts';

/** How a host starts its MCP server. */
export interface HostOptions {
  /** The SDK that the host is built on: v1 as most hosts today, or v2 in its default mode. */
  readonly sdk?: 'v1' | 'v2';
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly cwd?: string;
  /** How long it waits for an answer, in milliseconds. */
  readonly timeout?: number;
}

/** A JSON-RPC error as it came over the pipe. */
export interface JsonRpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: { readonly code?: string; readonly [key: string]: unknown };
}

const info = { name: 'e2e-host', version: '1.0.0' };

/** An MCP host that only speaks stdio: it starts the proxy and keeps all that the proxy prints. */
export class Host implements Output {
  readonly name: string;
  stdout = '';
  stderr = '';
  /** Settles when the proxy has closed its side. */
  readonly closed: Promise<void>;
  readonly #client: ClientV1 | ClientV2;
  readonly #connect: () => Promise<void>;
  readonly #timeout: number;
  #connected: Promise<void> | undefined;

  constructor({ sdk = 'v1', timeout = 60_000, ...options }: HostOptions) {
    this.name = `proxy under a ${sdk} host`;
    this.#timeout = timeout;
    const parameters = {
      ...options,
      args: [...options.args],
      stderr: 'pipe' as const,
    };
    let ended: () => void = () => undefined;
    this.closed = new Promise((resolve) => (ended = resolve));
    if (sdk === 'v1') {
      const [client, transport] = [new ClientV1(info), new StdioV1(parameters)];
      this.#client = client;
      this.#connect = () => client.connect(transport, { timeout });
      this.#tap(transport);
    } else {
      const [client, transport] = [new ClientV2(info), new StdioV2(parameters)];
      this.#client = client;
      this.#connect = () => client.connect(transport, { timeout });
      this.#tap(transport);
    }
    this.#client.onclose = ended;
  }

  #tap(transport: StdioV1 | StdioV2): void {
    transport.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    const start = transport.start.bind(transport);
    transport.start = async () => {
      await start();
      // The SDKs keep their child to themselves; its stdout as it is shows whether anything but JSON-RPC is on it.
      const { _process } = transport as unknown as { _process?: ChildProcess };
      const output = _process?.stdout ?? undefined;
      if (output === undefined) throw new Error("The SDK's stdio transport has changed: no child in it.");
      output.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    };
  }

  /** The handshake. Repeated calls share the first one. */
  connect(): Promise<void> {
    this.#connected ??= this.#connect();
    return this.#connected;
  }

  /** The text that the tool `get_name` answers with. */
  async getName(): Promise<string> {
    await this.connect();
    const call = { name: 'get_name', arguments: {} };
    const { content } =
      this.#client instanceof ClientV1
        ? await this.#client.callTool(call, undefined, { timeout: this.#timeout })
        : await this.#client.callTool(call, { timeout: this.#timeout });
    const [first] = content as { type: string; text?: string }[];
    return first?.text ?? '';
  }

  /**
   * Connects and calls the tool, which must fail.
   *
   * @returns the first JSON-RPC error that the proxy wrote
   * @throws Error when it does not fail, or fails without a JSON-RPC error
   */
  async failure(): Promise<JsonRpcError> {
    const outcome = await this.getName().then(
      (greeting) => `The tool answered: ${greeting}`,
      (error: unknown) => String(error),
    );
    const error = this.messages.find((message) => message.error !== undefined)?.error;
    if (error === undefined) throw new Error(`No JSON-RPC error. ${outcome}\n${this.stdout}\n${this.stderr}`);
    return error;
  }

  /**
   * Every message that the proxy wrote, in order.
   *
   * @throws SyntaxError when anything on its stdout is not JSON
   */
  get messages(): readonly {
    jsonrpc: string;
    id?: string | number;
    error?: JsonRpcError;
    result?: unknown;
  }[] {
    const complete = this.stdout.split('\n').slice(0, -1);
    return complete.map((line) => JSON.parse(line) as { jsonrpc: string });
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
