import { freePort } from './free-port.ts';
import { PrivateHome, type Environment } from './private-home.ts';
import { Processes, type RunningProcess } from './processes.ts';
import { binFile, program, type Bin } from './programs.ts';
import { RecordingForwarder } from './recording-forwarder.ts';
import { packageOf, type Registry } from './registry.ts';

/** The well-known demo key of kickstart/kickstart.json. */
export const apiKey = 'bf69486b-4733-4470-a592-f1bfce7af580';
/** The test user of kickstart/kickstart.json. */
const testUserId = '00000000-0000-0000-0000-000000000001';

/** What the setup tool says with `--json`. */
export interface Registration {
  readonly clientId: string;
  readonly name: string;
  readonly scope: string;
  readonly resource: string;
  readonly configuration: { readonly mcpServers: Readonly<Record<string, HostConfiguration>> };
  readonly testUser: { readonly email: string; readonly password: string } | null;
}

/** How a host starts an MCP server: an entry of its `mcpServers`. */
export interface HostConfiguration {
  readonly command: string;
  readonly args: readonly string[];
}

export interface SystemOptions {
  /** Further flags of the emulator. */
  readonly emulatorFlags?: readonly string[];
  /** Further environment of the server. */
  readonly serverEnv?: Environment;
  /** Run everything with npx from this registry, not from the repository. */
  readonly registry?: Registry;
}

/** The emulator and the protected server as processes of their own, on free ports, from the real bins. */
export class System {
  readonly processes = new Processes();
  /** What passes between the browser or the proxy and the authorization server. */
  readonly traffic: RecordingForwarder;
  /** The authorization server's public URL. */
  readonly fusionAuthUrl: string;
  /** The protected resource. */
  readonly mcpUrl: string;
  readonly #home = new PrivateHome();
  readonly #registry: Registry | undefined;

  private constructor(traffic: RecordingForwarder, mcpPort: number, registry: Registry | undefined) {
    this.#registry = registry;
    this.traffic = traffic;
    this.fusionAuthUrl = traffic.url;
    this.mcpUrl = `http://localhost:${mcpPort}/mcp`;
  }

  static async start(options: SystemOptions = {}): Promise<System> {
    const system = new System(await RecordingForwarder.start(), await freePort(), options.registry);
    try {
      await system.#start(options);
    } catch (error) {
      await system.close();
      throw error;
    }
    return system;
  }

  async #start({ emulatorFlags = [], serverEnv = {} }: SystemOptions): Promise<void> {
    const env = { ...this.#home.env, FUSIONAUTH_EXTERNAL_URL: this.fusionAuthUrl };
    const emulator = this.processes.startBin('fusionauth-emulator', ['--port', '0', ...emulatorFlags], {
      env,
    });
    const [, emulatorUrl = ''] = await emulator.prints('stdout', /emulator ready at (http:\/\/\S+)/u);
    this.traffic.target = emulatorUrl;
    await this.#startServer(this.mcpUrl, serverEnv);
  }

  /**
   * Starts one more protected server in front of the same authorization server.
   *
   * @param serverEnv further environment of the server
   * @returns its resource, unless the environment gives it another one
   */
  async addServer(serverEnv: Environment = {}): Promise<string> {
    const mcpUrl = `http://localhost:${await freePort()}/mcp`;
    await this.#startServer(mcpUrl, serverEnv);
    return mcpUrl;
  }

  async #startServer(mcpUrl: string, serverEnv: Environment = {}): Promise<void> {
    const { origin, port } = new URL(mcpUrl);
    const server = this.#run('mcp-keyhole-server', ['--debug'], {
      ...this.#home.env,
      FUSIONAUTH_EXTERNAL_URL: this.fusionAuthUrl,
      // The server reaches FusionAuth by another URL than browsers do, as in Docker.
      FUSIONAUTH_URL: this.traffic.target ?? '',
      MCP_SERVER_URL: origin,
      PORT: port,
      ...serverEnv,
    });
    await server.prints('stdout', /"msg":"listening"/u, 90_000);
  }

  #run(bin: Bin, args: readonly string[], env: Environment, input?: string): RunningProcess {
    const options = { env, ...(input === undefined ? {} : { input }) };
    if (this.#registry === undefined) return this.processes.startBin(bin, args, options);
    const npx = { ...options, ...this.#registry.fresh(env), group: true };
    return this.processes.start(`npx ${packageOf[bin]}`, program('npx'), [packageOf[bin], ...args], npx);
  }

  /**
   * Registers a client with the setup tool. Its configuration starts the proxy of this repository, or with a registry the
   * published one.
   *
   * @param mcpUrl the server's resource. Default: that of the first server
   */
  async register(name: string, callbackPort: number, mcpUrl = this.mcpUrl): Promise<Registration> {
    const setup = this.#run(
      'mcp-keyhole-setup',
      [
        ...['--name', name, '--port', String(callbackPort), '--json'],
        ...['--fusionauth-url', this.fusionAuthUrl, '--mcp-server-url', mcpUrl.replace(/\/mcp$/u, '')],
        ...(this.#registry === undefined ? ['--proxy-path', binFile('mcp-keyhole')] : []),
      ],
      this.#home.env,
      '',
    );
    const exit = await setup.ended;
    if (exit !== 0) throw new Error(`mcp-keyhole-setup ended with ${exit}.\n${setup.stderr}`);
    return JSON.parse(setup.stdout) as Registration;
  }

  /** How long access tokens issued from now on live, in seconds. */
  async setAccessTokenLifetime(seconds: number): Promise<void> {
    await this.patchTenant({ jwtConfiguration: { timeToLiveInSeconds: seconds } });
  }

  /** Changes settings of the tenant. */
  async patchTenant(tenant: object): Promise<void> {
    const { tenants } = (await this.#admin('GET', '/api/tenant')) as { tenants: { id: string }[] };
    await this.#admin('PATCH', `/api/tenant/${tenants[0]?.id ?? ''}`, { tenant });
  }

  /** Takes scopes away from the application of a client. */
  async removeScopes(clientId: string, names: readonly string[]): Promise<void> {
    const { application } = (await this.#admin('GET', `/api/application/${clientId}`)) as {
      application: { scopes: { id: string; name: string }[] };
    };
    for (const { id } of application.scopes.filter(({ name }) => names.includes(name))) {
      await this.#admin('DELETE', `/api/application/${clientId}/scope/${id}`);
    }
  }

  /** Revokes every refresh token of the test user. */
  async revokeRefreshTokens(): Promise<void> {
    await this.#admin('DELETE', `/api/jwt/refresh?userId=${testUserId}`);
  }

  /** Makes every access token invalid that was issued so far: by a new signing key, in place of the old one. */
  async invalidateAccessTokens(): Promise<void> {
    const before = (await this.#admin('GET', '/api/tenant')) as {
      tenants: { jwtConfiguration: { accessTokenKeyId: string } }[];
    };
    const key = { name: `Key ${Date.now()}`, algorithm: 'RS256', length: 2_048 };
    const generated = (await this.#admin('POST', '/api/key/generate', { key })) as { key: { id: string } };
    const { id } = generated.key;
    await this.patchTenant({ jwtConfiguration: { accessTokenKeyId: id, idTokenKeyId: id } });
    const old = before.tenants[0]?.jwtConfiguration.accessTokenKeyId ?? '';
    await this.#admin('DELETE', `/api/key/${old}`);
  }

  /** An application that somebody has made by hand, not the setup tool. */
  async createApplication(name: string): Promise<void> {
    await this.#admin('POST', '/api/application', { application: { name } });
  }

  async #admin(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(new URL(path, this.traffic.target), {
      method,
      headers: { authorization: apiKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
    return answer === '' ? undefined : JSON.parse(answer);
  }

  /** The folder below which the system's processes may write. */
  get folder(): string {
    return this.#home.folder;
  }

  async close(): Promise<void> {
    await this.processes.close();
    await this.traffic.close();
    this.#home.remove();
  }
}
