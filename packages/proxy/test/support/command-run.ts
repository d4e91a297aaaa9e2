import { PassThrough, type Readable } from 'node:stream';
import { call } from '../../src/commands/call.ts';
import { doctor } from '../../src/commands/doctor.ts';
import { importSignIn } from '../../src/commands/import.ts';
import { login } from '../../src/commands/login.ts';
import { secret } from '../../src/commands/secret.ts';
import { tools } from '../../src/commands/tools.ts';
import { loadConfig } from '../../src/config.ts';
import { visit } from './browser.ts';
import { recordedLog, type RecordedLog } from './recorded-log.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** What came of a command. */
export interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  /** What was asked on the terminal. */
  readonly asked: string;
  readonly log: RecordedLog;
  /** How often a user would have had to sign in. */
  readonly signIns: number;
}

export interface RunOptions {
  /** What is typed or piped in. Default: nothing, and the end of input. */
  readonly input?: string;
  /** Whether a person sits there. Default: no. */
  readonly isTTY?: boolean;
}

/** A machine of its own: a home, a state folder and the file store, which commands share. */
export async function machine(own: Readonly<Record<string, string>> = {}) {
  const home = await temporaryFolder();
  const stateFolder = `${home}/state`;
  const env = {
    HOME: home,
    MCP_KEYHOLE_DIR: stateFolder,
    MCP_KEYHOLE_TOKEN_STORE: 'file',
    MCP_KEYHOLE_NO_BROWSER: '1',
    ...own,
  };

  /** Runs a command as `main` does; a user who is asked to sign in does so at once, and agrees. */
  async function run(argv: readonly string[], { input = '', isTTY = false }: RunOptions = {}): Promise<Run> {
    const invocation = loadConfig(argv, env);
    if (invocation.show !== 'nothing') throw new Error('help was asked for');
    const { config } = invocation;
    const log = recordedLog();
    const { signal } = new AbortController();
    let stdout = '';
    let asked = '';
    const output = { isTTY, write: (text: string) => (stdout += text) };
    const person = { input: stdin(input, isTTY), output: { write: (text: string) => (asked += text) } };
    void log.when(' here: http').then((line) => visit(line.trim().split(' ').at(-1) ?? ''));
    const start = (): Promise<number> => {
      if (config.command === 'secret') return secret(config, signal, output, person);
      if (config.command === 'import') return importSignIn(config, log.log, signal, output, person);
      if (config.server === undefined) throw new Error('there is no server');
      switch (config.command) {
        case 'login':
          return login(config, config.server, log.log, signal, output.write);
        case 'tools':
          return tools(config, config.server, log.log, signal, output);
        case 'call':
          return call(config, config.server, log.log, signal, output, person.input);
        case 'doctor':
          return doctor(config, config.server, log.log, signal, output);
        default:
          throw new Error(`${config.command} cannot be run here`);
      }
    };
    const exitCode = await start();
    const signIns = log.lines.filter((line) => line.includes(' here: http')).length;
    return { exitCode, stdout, asked, log, signIns };
  }

  return { home, stateFolder, env, run };
}

function stdin(text: string, isTTY: boolean): Readable & { isTTY: boolean } {
  const stream = new PassThrough();
  stream.end(text);
  return Object.assign(stream, { isTTY });
}
