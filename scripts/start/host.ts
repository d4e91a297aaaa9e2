import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';
import { lastLines } from './programs.ts';
import type { ServerEntry } from './system.ts';

/** An MCP host that only speaks stdio, as Claude Desktop does: it starts the proxy and talks to it. */
export class Host {
  /** The address at which the proxy wants the user to sign in. */
  readonly signInAddress: Promise<string>;
  readonly #client = new Client({ name: 'npm-start', version: '1.0.0' });
  readonly #transport: StdioClientTransport;
  #stderr = '';

  constructor({ command, args }: ServerEntry, env: Readonly<Record<string, string | undefined>>) {
    this.#transport = new StdioClientTransport({
      command,
      args: [...args],
      env: Object.fromEntries(
        Object.entries({ ...process.env, ...env }).filter(
          (entry): entry is [string, string] => entry[1] !== undefined,
        ),
      ),
      stderr: 'pipe',
    });
    this.signInAddress = new Promise((resolve) => {
      this.#transport.stderr?.on('data', (chunk: Buffer) => {
        this.#stderr += chunk.toString();
        const address = /sign in to \S+ here: (?<url>\S+)\n/u.exec(this.#stderr)?.groups?.['url'];
        if (address !== undefined) resolve(address);
      });
    });
  }

  /**
   * Starts the proxy and shakes hands, which lasts until the user has signed in: at most `timeout` milliseconds.
   *
   * @throws StartError `proof-failed`
   */
  async connect(timeout: number): Promise<void> {
    await this.#explained(this.#client.connect(this.#transport, { timeout }));
  }

  /**
   * What the tool `get_name` answers.
   *
   * @throws StartError `proof-failed`
   */
  async greeting(): Promise<string> {
    const { content, isError } = await this.#explained(
      this.#client.callTool({ name: 'get_name', arguments: {} }),
    );
    const first = content[0];
    const text = first?.type === 'text' ? first.text : '';
    if (isError === true || text === '') throw errors.proofFailed(text, lastLines(this.#stderr));
    return text;
  }

  /** Where the proxy keeps the tokens, in its own words. */
  get tokenStore(): string | undefined {
    return /tokens are kept in (?<store>.+)/u.exec(this.#stderr)?.groups?.['store'];
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #explained<Value>(answer: Promise<Value>): Promise<Value> {
    try {
      return await answer;
    } catch (error) {
      throw errors.proofFailed(messageOf(error), lastLines(this.#stderr), error);
    }
  }
}
