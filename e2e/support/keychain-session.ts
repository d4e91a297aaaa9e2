import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Processes, type RunningProcess } from './processes.ts';
import type { Environment, PrivateHome } from './private-home.ts';
import { program } from './programs.ts';

/** One item as the Secret Service holds it, seen from outside by `secret-tool`. */
export interface KeychainItem {
  readonly label: string;
  readonly secret: string;
  /** The attribute `username`. */
  readonly account: string;
}

/** A real Secret Service, gnome-keyring-daemon, on a D-Bus session of its own, in a private HOME. */
export class KeychainSession {
  /** What a process needs, besides the home's environment, to reach this keychain. */
  readonly env: Environment;
  readonly #processes = new Processes();
  #daemon: RunningProcess | undefined;

  private constructor(home: PrivateHome) {
    const address = `unix:path=${join(home.env['XDG_RUNTIME_DIR'] ?? '', 'bus')}`;
    this.env = { ...home.env, DBUS_SESSION_BUS_ADDRESS: address };
  }

  static async start(home: PrivateHome): Promise<KeychainSession> {
    const session = new KeychainSession(home);
    await session.#start();
    return session;
  }

  async #start(): Promise<void> {
    const address = this.env['DBUS_SESSION_BUS_ADDRESS'] ?? '';
    const bus = this.#run('dbus-daemon', ['--session', '--nofork', '--print-address', '--address', address]);
    await bus.prints('stdout', /unix:path=/u);
    await this.revive();
  }

  /**
   * Starts the daemon, with the keyring unlocked, in place of one that the bus may have started itself (which is locked), and
   * waits until it has its name on the bus. One of the bus's that was on its way meanwhile and took the name is ended.
   */
  async revive(): Promise<void> {
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      // --unlock takes the password from stdin, without a line feed, and creates the login keyring with it.
      const daemon = this.#run(
        'gnome-keyring-daemon',
        ['--unlock', '--replace', '--components=secrets', '--foreground'],
        'keyring password',
      );
      const wait = ['wait', '--session', '--timeout', '10', 'org.freedesktop.secrets'];
      if ((await this.#run('gdbus', wait).ended) !== 0) {
        throw new Error(`gnome-keyring-daemon did not take its name on the bus: ${daemon.stderr}`);
      }
      if (await this.#takesName(daemon)) {
        this.#daemon = daemon;
        return;
      }
      await daemon.end();
    }
    throw new Error('Another gnome-keyring-daemon takes the name on the bus again and again.');
  }

  /** Whether the daemon gets the name from whoever has it, and keeps it; when not, ends whoever has it then. */
  async #takesName(daemon: RunningProcess): Promise<boolean> {
    const deadline = performance.now() + 5_000;
    for (;;) {
      // The bus answers this when whatever it was starting under the name is there.
      await this.#ask('StartServiceByName', 'org.freedesktop.secrets', '0');
      const owner = await this.#ask('GetConnectionUnixProcessID', 'org.freedesktop.secrets');
      const pid = Number(/uint32 (\d+)/u.exec(owner)?.[1]);
      if (pid === daemon.pid) return true;
      // A slow one is given its time.
      if (daemon.isRunning && performance.now() < deadline) continue;
      if (pid > 0) killIfThere(pid);
      return false;
    }
  }

  /** Asks the bus itself. */
  async #ask(method: string, ...args: readonly string[]): Promise<string> {
    const bus = ['--session', '--dest', 'org.freedesktop.DBus', '--object-path', '/org/freedesktop/DBus'];
    const asking = this.#run('gdbus', [
      'call',
      ...bus,
      '--method',
      `org.freedesktop.DBus.${method}`,
      ...args,
    ]);
    await asking.ended;
    return asking.stdout;
  }

  /** Kills the daemon, as a crash does. */
  async kill(): Promise<void> {
    if (this.#daemon === undefined) throw new Error('There is no daemon to kill.');
    process.kill(this.#daemon.pid, 'SIGKILL');
    await this.#daemon.ended;
  }

  /** The items whose attribute `service` is `service`, with their secrets. The keyring must be unlocked. */
  async search(service = 'mcp-keyhole'): Promise<readonly KeychainItem[]> {
    const tool = this.#run('secret-tool', ['search', '--all', 'service', service]);
    await tool.ended;
    // It prints attributes on stderr and the rest on stdout, item by item in the same order.
    const accounts = [...tool.stderr.matchAll(/^attribute\.username = (.*)$/gmu)].map(([, name]) => name);
    const items = [...tool.stdout.matchAll(/^label = (.*)\nsecret = ([^]*?)\ncreated = /gmu)];
    return items.map(([, label = '', secret = ''], index) => ({
      label,
      secret,
      account: accounts[index] ?? '',
    }));
  }

  /** Locks the keyring, as a screen lock or a reboot does. */
  async lock(): Promise<void> {
    const call = ['call', '--session', '--dest', 'org.freedesktop.secrets'];
    const method = [
      '--object-path',
      '/org/freedesktop/secrets',
      '--method',
      'org.freedesktop.Secret.Service.Lock',
    ];
    const login = "['/org/freedesktop/secrets/collection/login']";
    const locking = this.#run('gdbus', [...call, ...method, login]);
    if ((await locking.ended) !== 0) throw new Error(`The keyring could not be locked: ${locking.stderr}`);
  }

  async close(): Promise<void> {
    await this.#processes.close();
  }

  #run(name: string, args: readonly string[], input = ''): RunningProcess {
    return this.#processes.start(name, program(name), args, { env: this.env, input });
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
