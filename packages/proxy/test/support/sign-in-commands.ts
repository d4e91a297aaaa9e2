import type { Log } from '@mcp-keyhole/cli-kit';
import { login } from '../../src/commands/login.ts';
import { logout } from '../../src/commands/logout.ts';
import { status } from '../../src/commands/status.ts';
import { loadConfig, type ProxyConfig } from '../../src/config.ts';
import { visit } from './browser.ts';
import { recordedLog } from './recorded-log.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** What a command did. */
export interface Run {
  readonly exitCode: number;
  /** What it printed on stdout. */
  readonly printed: string;
  /** What it said on stderr. */
  readonly said: string;
}

type Environment = Record<string, string>;

/** The config of a command line, with files as the store: not every machine that runs the tests has a keychain. */
export function configOf(folder: string, argv: readonly string[], env: Environment = {}): ProxyConfig {
  const store = argv.includes('--token-store') ? [] : ['--token-store', 'file'];
  const invocation = loadConfig([...argv, ...store], { MCP_KEYHOLE_DIR: folder, ...env });
  if (invocation.show !== 'nothing') throw new Error('help was asked for');
  return invocation.config;
}

/** Runs commands one after another with one state folder. */
export async function commandRuns() {
  const folder = await temporaryFolder();
  const run = async (
    argv: readonly string[],
    env: Environment | undefined,
    command: (config: ProxyConfig, log: Log, print: (text: string) => void) => Promise<number>,
    meanwhile?: (when: (part: string) => Promise<string>) => Promise<void>,
  ): Promise<Run> => {
    const recorded = recordedLog();
    let printed = '';
    const [exitCode] = await Promise.all([
      command(configOf(folder, argv, env), recorded.log, (text) => (printed += text)),
      meanwhile?.(recorded.when),
    ]);
    return { exitCode, printed, said: recorded.text() };
  };
  const at = (config: ProxyConfig): URL => config.server ?? new URL('http://there.is.none');
  const { signal } = new AbortController();
  return {
    folder,
    /** `login`, at a server that answers without a sign-in, or refuses one before a page is shown. */
    login: (argv: readonly string[], env?: Environment) =>
      run(['login', ...argv], env, (config, log, print) => login(config, at(config), log, signal, print)),
    /** `login --no-browser`, by a user who opens the address that is shown. */
    signIn: (argv: readonly string[], env?: Environment) =>
      run(
        ['login', ...argv, '--no-browser'],
        env,
        (config, log, print) => login(config, at(config), log, signal, print),
        async (when) => {
          await visit((await when(' here: ')).split(' here: ')[1]?.trim() ?? '');
        },
      ),
    logout: (argv: readonly string[], env?: Environment) =>
      run(['logout', ...argv], env, (config, log, print) => logout(config, at(config), log, signal, print)),
    status: (argv: readonly string[] = [], env?: Environment) =>
      run(['status', ...argv], env, (config, log, print) => status(config, log, print)),
  };
}
