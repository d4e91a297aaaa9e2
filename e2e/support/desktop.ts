import type { Browser, LastPage, SignInOptions } from './browser.ts';
import { Host, type HostOptions } from './hosts.ts';
import { KeychainSession } from './keychain-session.ts';
import { OpenedUrls } from './opened-urls.ts';
import { PrivateHome, type Environment } from './private-home.ts';
import { Processes, type Output, type RunningProcess } from './processes.ts';
import { scan, secretsOf, type Finding, type Secret } from './secret-scan.ts';
import type { HostConfiguration, Registration, System } from './system.ts';

/** A user's session on a computer: a HOME, a keychain, a browser that opens, hosts that start the proxy. */
export class Desktop {
  readonly home: PrivateHome;
  readonly opened: OpenedUrls;
  /** What every program of the session inherits. */
  readonly env: Environment;
  readonly #keychain: KeychainSession | undefined;
  readonly #processes = new Processes();
  readonly #hosts: Host[] = [];
  readonly #pages: Output[] = [];

  private constructor(home: PrivateHome, opened: OpenedUrls, keychain: KeychainSession | undefined) {
    this.home = home;
    this.opened = opened;
    this.#keychain = keychain;
    this.env = { ...(keychain?.env ?? home.env), BROWSER: opened.program };
  }

  /** Starts a session, without a session bus and so without a keychain when asked to. */
  static async start(options: { keychain?: boolean } = {}): Promise<Desktop> {
    const home = new PrivateHome();
    const keychain = options.keychain === false ? undefined : await KeychainSession.start(home);
    return new Desktop(home, await OpenedUrls.start(), keychain);
  }

  get keychain(): KeychainSession {
    if (this.#keychain === undefined) throw new Error('This desktop has no keychain.');
    return this.#keychain;
  }

  /** A host with the MCP server that its configuration names, and further flags. */
  host(
    configuration: HostConfiguration,
    options: Partial<HostOptions> & { flags?: readonly string[] } = {},
  ): Host {
    const { flags = [], ...rest } = options;
    const host = new Host({
      command: configuration.command,
      args: [...configuration.args, ...flags],
      env: this.env,
      cwd: this.home.folder,
      ...rest,
    });
    this.#hosts.push(host);
    return host;
  }

  /** The proxy started by itself, with an input that has ended unless it is kept open. */
  terminal(args: readonly string[], options: { keepInput?: boolean } = {}): RunningProcess {
    const input = options.keepInput === true ? {} : { input: '' };
    return this.#processes.startBin('mcp-keyhole', args, { env: this.env, ...input });
  }

  /** Signs in at the next URL that the proxy opens. */
  async signIn(browser: Browser, options?: SignInOptions): Promise<LastPage> {
    const page = await browser.signIn(await this.opened.next(), options);
    this.#pages.push({ name: 'callback page', stdout: page.html, stderr: '' });
    return page;
  }

  /**
   * Where secrets of the system were seen: in what this session and the system printed, showed or wrote.
   *
   * @param others that never went over the wire
   */
  findSecrets(system: System, others: readonly Secret[] = []): readonly Finding[] {
    const secrets = [...secretsOf(system.traffic.exchanges), ...others];
    if (!secrets.some(({ kind }) => kind === 'access_token')) throw new Error('No token was issued.');
    const outputs = [this.#hosts, this.#processes.outputs, this.#pages, system.processes.outputs].flat();
    return scan(secrets, { outputs, folders: [this.home.folder, system.folder] });
  }

  /** @throws Error when a browser was opened that the test did not expect */
  async close(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.close()));
    await this.#processes.close();
    await this.#keychain?.close();
    this.home.remove();
    await this.opened.close();
  }
}

/** The entry that the setup tool prints for a host. */
export function entryOf(registration: Registration): HostConfiguration {
  const entry = registration.configuration.mcpServers['name-server'];
  if (entry === undefined) throw new Error('The configuration has no name-server.');
  return entry;
}
