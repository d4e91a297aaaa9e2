// FusionAuth's events end tokens on every node: the emulator sends them, two nodes share a Redis.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { startServer, type RunningServer } from '../../src/http-server.ts';
import { createLog } from '../../src/log.ts';
import { bearer, callGetName, publicUrl } from '../support/protected-server.ts';
import { hasRedis, RedisServer } from '../support/redis-server.ts';
import { registerClient, signIn, type AuthorizationServer } from '../support/sign-in.ts';
import { manage, secret, subscribe } from '../support/webhook.ts';

const resource = `${publicUrl}/mcp`;
const userId = '00000000-0000-0000-0000-000000000001';

let emulator: Emulator;
let fusionAuth: AuthorizationServer;
const lines: string[] = [];

async function node(env: Record<string, string>): Promise<RunningServer> {
  const config = loadConfig(['--port', '0'], {
    FUSIONAUTH_URL: emulator.url,
    MCP_SERVER_URL: publicUrl,
    WEBHOOK_PATH: '/webhooks/fusionauth',
    ...env,
  });
  return startServer(config, { log: createLog({ destination: { write: (line) => void lines.push(line) } }) });
}

async function statusOf({ port }: RunningServer, token: string): Promise<number> {
  return (await callGetName(`http://127.0.0.1:${port}/mcp`, bearer(token))).status;
}

beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
  fusionAuth = { url: emulator.url, apiKey: emulator.apiKey ?? '' };
});
afterAll(() => emulator.close());

const eventsOf = ({ port }: RunningServer): string => `http://127.0.0.1:${port}/webhooks/fusionauth`;

describe.skipIf(!hasRedis)("FusionAuth's events to one of two nodes", () => {
  let redis: RedisServer;
  let first: RunningServer;
  let second: RunningServer;
  let clientId: string;

  beforeAll(async () => {
    redis = await RedisServer.start();
    [first, second] = [await node({ REDIS_URL: redis.url }), await node({ REDIS_URL: redis.url })];
    clientId = await registerClient(fusionAuth, resource);
    await subscribe(fusionAuth, eventsOf(first), { path: '/api/key/generate', key: { algorithm: 'ES256' } });
  });
  afterAll(async () => {
    await Promise.all([first.close(), second.close()]);
    await redis[Symbol.asyncDispose]();
  });

  /** Milliseconds from the event to the begin of the first call that the other node refuses, with a token that both have let in. */
  async function milliseconds(token: string, cause: () => Promise<unknown>): Promise<number> {
    expect([await statusOf(first, token), await statusOf(second, token)]).toEqual([200, 200]);
    await cause();
    const begin = performance.now();
    const heard = statusOf(first, token);
    let elapsed = 0;
    await expect
      .poll(
        async () => {
          elapsed = performance.now() - begin;
          return statusOf(second, token);
        },
        { interval: 5 },
      )
      .toBe(401);
    expect(await heard).toBe(401);
    return elapsed;
  }

  /** A token issued in a later second than the last event: `iat` knows no parts of a second. */
  async function nextToken(): Promise<string> {
    let token = '';
    await expect
      .poll(async () => statusOf(first, (token = await signIn(fusionAuth, clientId, resource))))
      .toBe(200);
    return token;
  }

  it('end the tokens of a user with one application within a second on the other, and no others', async () => {
    const other = await signIn(fusionAuth, await registerClient(fusionAuth, resource), resource);
    const token = await signIn(fusionAuth, clientId, resource);
    const path = `/api/jwt/refresh?userId=${userId}&applicationId=${clientId}`;
    const elapsed = await milliseconds(token, async () => manage(fusionAuth, 'DELETE', path));
    process.stderr.write(
      `jwt.refresh-token.revoke: effective on the other node after ${elapsed.toFixed(0)} ms\n`,
    );
    expect(elapsed).toBeLessThan(1_000);
    expect([await statusOf(first, other), await statusOf(second, other)]).toEqual([200, 200]);
    expect(await statusOf(second, await nextToken())).toBe(200);
  });

  it('end the tokens of a deactivated user, and of nobody who is back', async () => {
    const elapsed = await milliseconds(await nextToken(), async () =>
      manage(fusionAuth, 'DELETE', `/api/user/${userId}`),
    );
    process.stderr.write(`user.deactivate: effective on the other node after ${elapsed.toFixed(0)} ms\n`);
    expect(elapsed).toBeLessThan(1_000);
    await manage(fusionAuth, 'PUT', `/api/user/${userId}?reactivate=true`);
    expect(await statusOf(second, await nextToken())).toBe(200);
  });

  it('have keys read and tokens verified anew: those of a withdrawn key are refused', async () => {
    const elapsed = await milliseconds(await nextToken(), async () =>
      manage(fusionAuth, 'POST', '/emulator/rotate-keys', { forget: true }),
    );
    process.stderr.write(
      `jwt.public-key.update: effective on the other node after ${elapsed.toFixed(0)} ms\n`,
    );
    expect(elapsed).toBeLessThan(1_000);
    expect(await statusOf(second, await nextToken())).toBe(200);
  });

  it('hold on the node that heard of it when Redis is away, which asks FusionAuth to try again', async () => {
    const token = await nextToken();
    await redis.stop();
    await expect(manage(fusionAuth, 'DELETE', `/api/user/${userId}`)).rejects.toThrow('504');
    expect(await statusOf(first, token)).toBe(401);
    expect(lines.filter((line) => line.includes('"reason":"not-shared"'))).not.toEqual([]);
    await redis.start();
    await expect.poll(async () => statusOf(second, token), { interval: 20 }).toBe(401);
  });
});

describe.skipIf(process.platform === 'win32')("FusionAuth's events, set up by the README's commands", () => {
  it('are sent, signed and taken', async () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const commands = /^```sh\n(MCP_SERVER_URL=.*?)^```/msu.exec(readme)?.[1] ?? '';
    const server = await node({});
    const { webhooks } = (await manage(fusionAuth, 'GET', '/api/webhook')) as { webhooks: { id: string }[] };
    for (const { id } of webhooks) await manage(fusionAuth, 'DELETE', `/api/webhook/${id}`);
    const { tenants } = (await manage(fusionAuth, 'GET', '/api/tenant')) as { tenants: [{ id: string }] };
    const script = commands.replace('https://mcp.example.com', `http://127.0.0.1:${server.port}`);
    await promisify(execFile)('sh', ['-euc', script], {
      env: {
        ...process.env,
        FUSIONAUTH_URL: fusionAuth.url,
        API_KEY: fusionAuth.apiKey,
        TENANT_ID: tenants[0].id,
      },
    });
    const token = await signIn(fusionAuth, await registerClient(fusionAuth, resource), resource);
    expect(await statusOf(server, token)).toBe(200);
    await manage(fusionAuth, 'DELETE', `/api/user/${userId}`);
    await expect.poll(async () => statusOf(server, token)).toBe(401);
    await manage(fusionAuth, 'PUT', `/api/user/${userId}?reactivate=true`);
    await server.close();
  });
});

describe("FusionAuth's events signed with an HMAC key", () => {
  it('are verified with the configured secret', async () => {
    const server = await node({ WEBHOOK_SECRET: secret });
    await subscribe(fusionAuth, eventsOf(server), {
      path: '/api/key/import',
      key: { algorithm: 'HS256', secret },
    });
    const token = await signIn(fusionAuth, await registerClient(fusionAuth, resource), resource);
    expect(await statusOf(server, token)).toBe(200);
    await manage(fusionAuth, 'DELETE', `/api/user/${userId}`);
    expect(await statusOf(server, token)).toBe(401);
    expect(lines.join('')).not.toContain(secret);
    await server.close();
  });
});
