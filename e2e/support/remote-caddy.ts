import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { freePort } from './free-port.ts';
import type { Environment } from './private-home.ts';
import type { Processes, RunningProcess } from './processes.ts';
import { program, repository } from './programs.ts';

export interface RemoteCaddyOptions {
  readonly processes: Processes;
  /** What Caddy inherits: its HOME above all. */
  readonly env: Environment;
  /** Where it may keep its certificates and its configuration. */
  readonly folder: string;
  /** The public URL of the server, on a free port of localhost. */
  readonly serverUrl: string;
  readonly serverPort: number;
}

/**
 * The Caddy of docker-compose.remote.yml, without Docker: started by the command that the compose file has, with the
 * Caddyfile that it mounts. It is a host name that no authority of the world certifies, so Caddy makes an authority of its own.
 */
export class RemoteCaddy {
  /** The certificate of its authority, for `--ca-file`. */
  readonly caFile: string;
  /** Where it answers http, with a redirect. */
  readonly httpPort: number;
  readonly #options: RemoteCaddyOptions;
  #process: RunningProcess | undefined;

  private constructor(options: RemoteCaddyOptions, httpPort: number) {
    this.#options = options;
    this.httpPort = httpPort;
    this.caFile = join(options.folder, 'certificates/pki/authorities/local/root.crt');
  }

  static async start(options: RemoteCaddyOptions): Promise<RemoteCaddy> {
    const caddy = new RemoteCaddy(options, await freePort());
    await caddy.start({});
    return caddy;
  }

  /** Starts it, again after {@link end}, with its certificates as they were. @param env of the compose file's variables */
  async start(env: Environment): Promise<void> {
    const { processes, folder, serverUrl, serverPort } = this.#options;
    const file = join(folder, 'Caddyfile');
    writeFileSync(file, this.#caddyfile());
    const { command, environment } = remoteCaddyService();
    this.#process = processes.start(
      'caddy',
      program('sh'),
      [...command.slice(1, -1), aimedAt(command, file)],
      {
        env: {
          ...this.#options.env,
          ...Object.fromEntries(Object.keys(environment).map((name) => [name, env[name] ?? ''])),
          MCP_SERVER_URL: serverUrl,
          MCP_SERVER_UPSTREAM: `127.0.0.1:${serverPort}`,
        },
      },
    );
    await this.#process.prints('stderr', /serving initial configuration/u);
  }

  async end(): Promise<void> {
    await this.#process?.end();
  }

  /** The deployed Caddyfile, below what keeps Caddy from the machine's trust store, its port 80 and its folders. */
  #caddyfile(): string {
    return [
      '{',
      '\tadmin off',
      '\tskip_install_trust',
      `\thttp_port ${this.httpPort}`,
      `\tstorage file_system ${join(this.#options.folder, 'certificates')}`,
      '}',
      `import ${join(repository, 'deploy/Caddyfile')}`,
      '',
    ].join('\n');
  }
}

interface CaddyService {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** As the compose file has it. */
function remoteCaddyService(): CaddyService {
  const text = readFileSync(join(repository, 'docker-compose.remote.yml'), 'utf8');
  const { services } = parse(text) as { services: { caddy: CaddyService & { volumes: string[] } } };
  const { caddy } = services;
  if (!caddy.volumes.includes('./deploy/Caddyfile:/etc/caddy/Caddyfile:ro')) {
    throw new Error('docker-compose.remote.yml no longer mounts deploy/Caddyfile.');
  }
  return caddy;
}

/** The shell's line, as Docker hands it over, with another Caddyfile. */
function aimedAt(command: readonly string[], file: string): string {
  const [shell, flag, line = ''] = command;
  const path = '/etc/caddy/Caddyfile';
  if (shell !== 'sh' || flag !== '-c' || !line.includes(path)) {
    throw new Error('The command of caddy in docker-compose.remote.yml is not what this test starts.');
  }
  return line.replaceAll('$$', '$').replace(path, file);
}
