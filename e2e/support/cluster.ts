import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectRedisSharedState, createLog, subjects } from '@mcp-keyhole/server';
import { RedisServer } from '../../packages/server/test/support/redis-server.ts';
import type { AuthorizationServer } from '../../packages/server/test/support/sign-in.ts';
import type { User } from './cluster-users.ts';
import { freePort } from './free-port.ts';
import { PrivateHome, type Environment } from './private-home.ts';
import { Processes, type RunningProcess } from './processes.ts';
import { program, repository } from './programs.ts';
import { apiKey } from './system.ts';

/** Seconds for which FusionAuth's tokens are good, unless told otherwise. */
const tokenLifetime = 3_600;

/** One of several servers with the same settings. */
export interface Node {
  /** Where it is reached without the load balancer. */
  readonly endpoint: string;
  readonly process: RunningProcess;
}

/**
 * What `docker-compose.scale.yml` describes, as processes on this machine: nodes, Redis (which keeps its data, as Valkey does there),
 * and Caddy with the Caddyfile that is deployed; and the emulator as FusionAuth.
 */
export class Cluster {
  readonly processes = new Processes();
  readonly nodes: Node[] = [];
  /** The protected resource, at the load balancer. */
  readonly endpoint: string;
  readonly redis: RedisServer;
  readonly #home: PrivateHome;
  readonly #env: Environment;
  #fusionAuthUrl = '';

  private constructor(port: number, redis: RedisServer, home: PrivateHome, env: Environment) {
    this.endpoint = `http://localhost:${port}/mcp`;
    this.redis = redis;
    this.#home = home;
    this.#env = env;
  }

  /**
   * @param count how many nodes
   * @param env further environment of each node
   */
  static async start(count: number, env: Environment = {}): Promise<Cluster> {
    const home = new PrivateHome();
    const redis = await RedisServer.start({ folder: home.folder });
    const cluster = new Cluster(await freePort(), redis, home, env);
    try {
      await cluster.#start(count);
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  get fusionAuth(): AuthorizationServer {
    return { url: this.#fusionAuthUrl, apiKey };
  }

  /** Ends a node as a crash would. */
  async killNode(index: number): Promise<void> {
    await this.#node(index).process.end('SIGKILL');
  }

  /** Starts a node that has ended, at the same address. */
  async restartNode(index: number): Promise<void> {
    this.nodes[index] = await this.#startNode(Number(new URL(this.#node(index).endpoint).port));
  }

  /** Revokes a user's tokens, as another node would that hears of it. @returns `performance.now()` when Redis had it */
  async revoke(user: User): Promise<number> {
    const log = createLog({ destination: { write: () => undefined } });
    const state = await connectRedisSharedState(this.redis.url, log);
    const now = Math.floor(Date.now() / 1_000);
    await state.revocations.revoke(subjects.user(user.id), now, now + tokenLifetime);
    const written = performance.now();
    await state.close();
    return written;
  }

  async close(): Promise<void> {
    await this.processes.close();
    await this.redis[Symbol.asyncDispose]();
    this.#home.remove();
  }

  async #start(count: number): Promise<void> {
    const emulator = this.processes.startBin('fusionauth-emulator', ['--port', '0'], { env: this.#home.env });
    const [, url = ''] = await emulator.prints('stdout', /emulator ready at (http:\/\/\S+)/u);
    this.#fusionAuthUrl = url;
    const ports: number[] = [];
    for (let index = 0; index < count; index += 1) ports.push(await freePort());
    this.nodes.push(...(await Promise.all(ports.map(async (port) => this.#startNode(port)))));
    await this.#startCaddy(ports);
  }

  async #startNode(port: number): Promise<Node> {
    const process = this.processes.startBin('mcp-keyhole-server', [], {
      env: {
        ...this.#home.env,
        FUSIONAUTH_URL: this.#fusionAuthUrl,
        MCP_SERVER_URL: new URL(this.endpoint).origin,
        PORT: String(port),
        REDIS_URL: this.redis.url,
        TRUST_PROXY: '1',
        ...this.#env,
      },
    });
    await process.prints('stdout', /"msg":"listening"/u, 60_000);
    return { endpoint: `http://127.0.0.1:${port}/mcp`, process };
  }

  async #startCaddy(ports: readonly number[]): Promise<void> {
    const file = join(this.#home.folder, 'Caddyfile');
    writeFileSync(file, caddyfile(ports));
    const caddy = this.processes.start(
      'caddy',
      program('caddy'),
      ['run', '--config', file, '--adapter', 'caddyfile'],
      {
        env: { ...this.#home.env, MCP_SERVER_URL: new URL(this.endpoint).origin },
      },
    );
    await caddy.prints('stderr', /serving initial configuration/u);
  }

  #node(index: number): Node {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`There is no node ${index}.`);
    return node;
  }
}

/**
 * The deployed Caddyfile, with the nodes by address instead of by a name that Docker resolves, and in turn.
 *
 * @throws Error when the deployed one no longer has what is replaced
 */
function caddyfile(ports: readonly number[]): string {
  let text = readFileSync(join(repository, 'deploy/Caddyfile.scale'), 'utf8');
  for (const [pattern, replacement] of [
    [/dynamic a \{[^}]*\}/u, `to ${ports.map((port) => `127.0.0.1:${port}`).join(' ')}`],
    [/lb_policy least_conn/u, 'lb_policy round_robin'],
  ] as const) {
    if (!pattern.test(text)) throw new Error(`deploy/Caddyfile.scale has no ${pattern.source}`);
    text = text.replace(pattern, replacement);
  }
  return `{\n\tadmin off\n}\n${text}`;
}
