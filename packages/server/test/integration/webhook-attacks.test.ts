// What is not an event of FusionAuth, unaltered and new, has no effect.
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bearer, callGetName, protectedServer, type ProtectedServer } from '../support/protected-server.ts';
import { eventBody, secret, signatureOf } from '../support/webhook.ts';

const path = '/webhooks/fusionauth';
let withSecret: ProtectedServer;
let withKeys: ProtectedServer;
/** Each test has its own user, since what is revoked stays so. */
let userId: string;

beforeAll(async () => {
  const env = { WEBHOOK_PATH: path, METRICS_PORT: '0' };
  withSecret = await protectedServer({ env: { ...env, WEBHOOK_SECRET: secret } });
  withKeys = await protectedServer({ env });
  withKeys.fusionAuth.publishes = true;
});
beforeEach(() => {
  userId = randomUUID();
});
afterAll(async () => {
  for (const running of [withSecret, withKeys]) await running[Symbol.asyncDispose]();
});

const deactivation = (changes: object = {}): string =>
  eventBody('user.deactivate', { user: { id: userId }, ...changes });
const signed = (jwt: string): Record<string, string> => ({ 'X-FusionAuth-Signature-JWT': jwt });

async function send(
  { endpoint }: ProtectedServer,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
  method = 'POST',
): Promise<Response> {
  return fetch(new URL(path, endpoint), { method, headers, ...(method === 'POST' && { body }) });
}

async function sendSigned(body: string): Promise<Response> {
  return send(withSecret, body, signed(await signatureOf(body)));
}

async function statusOf({ endpoint }: ProtectedServer, token: string): Promise<number> {
  return (await callGetName(endpoint, bearer(token))).status;
}

/** How many events have had that outcome. */
async function counted({ server }: ProtectedServer, event: string, outcome: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text();
  const sample = `mcp_keyhole_webhook_events_total{event="${event}",outcome="${outcome}"} `;
  const line = text.split('\n').find((each) => each.startsWith(sample));
  return Number(line?.slice(sample.length) ?? 0);
}

/** Sends, and tells what became of it: the status, the logged reason, and whether the user's token was ended. */
async function outcome(
  running: ProtectedServer,
  reason: string,
  attack: () => Promise<Response>,
): Promise<[status: number, reason: unknown, ofToken: number]> {
  const token = await running.fusionAuth.token({ sub: userId });
  expect(await statusOf(running, token)).toBe(200);
  const before = await counted(running, 'unknown', reason);
  const response = await attack();
  expect(await response.json()).toEqual({ error: 'webhook_refused' });
  expect(await counted(running, 'unknown', reason)).toBe(before + 1);
  const entry = running.entries('webhook refused').at(-1);
  return [response.status, entry?.['reason'], await statusOf(running, token)];
}

const claims = (body: string): Record<string, unknown> => ({
  request_body_sha256: createHash('sha256').update(body).digest('base64'),
});

describe('a webhook endpoint with a secret refuses, and nothing comes of it:', () => {
  it.each<[string, number, string, () => Promise<Response>]>([
    ['an event without a signature', 403, 'unsigned', async () => send(withSecret, deactivation(), {})],
    [
      "another secret's signature",
      403,
      'wrong-signature',
      async () => {
        const body = deactivation();
        return send(withSecret, body, signed(await signatureOf(body, `${secret}!`)));
      },
    ],
    [
      'the signature of a private key, though the same authorization server signed it',
      403,
      'wrong-signature',
      async () => {
        const body = deactivation();
        return send(withSecret, body, signed(await withSecret.fusionAuth.token(claims(body))));
      },
    ],
    [
      'no algorithm',
      403,
      'wrong-signature',
      async () => {
        const body = deactivation();
        const parts = [{ alg: 'none', typ: 'JWT' }, claims(body)].map((part) =>
          Buffer.from(JSON.stringify(part)).toString('base64url'),
        );
        return send(withSecret, body, signed(`${parts.join('.')}.`));
      },
    ],
    [
      'a signature that is no JWT',
      403,
      'wrong-signature',
      async () => send(withSecret, deactivation(), signed('x')),
    ],
    [
      'an altered body',
      403,
      'altered-body',
      async () => {
        const body = deactivation();
        const jwt = await signatureOf(body.replace(userId, randomUUID()));
        return send(withSecret, body, signed(jwt));
      },
    ],
    [
      'an old event that comes again',
      403,
      'stale',
      async () => sendSigned(deactivation({ createInstant: Date.now() - 331_000 })),
    ],
    [
      'an event from the future',
      403,
      'stale',
      async () => sendSigned(deactivation({ createInstant: Date.now() + 31_000 })),
    ],
    ['what is not JSON', 400, 'not-an-event', async () => sendSigned('<event/>')],
    [
      'an event about nobody',
      400,
      'not-an-event',
      async () => sendSigned(eventBody('jwt.refresh-token.revoke')),
    ],
    [
      'a compressed body',
      400,
      'unreadable',
      async () => {
        const body = deactivation();
        const headers = { ...signed(await signatureOf(body)), 'Content-Encoding': 'gzip' };
        return send(withSecret, new Uint8Array(gzipSync(body)), headers);
      },
    ],
    [
      'a body of more than 1 MiB',
      413,
      'too-large',
      async () => sendSigned(deactivation({ data: 'x'.repeat(1_048_576) })),
    ],
    ['another method', 405, 'wrong-method', async () => send(withSecret, '', {}, 'GET')],
  ])('%s: %i, %s', async (_name, status, reason, attack) => {
    expect(await outcome(withSecret, reason, attack)).toEqual([status, reason, 200]);
  });

  it('a body that comes unsigned, without reading it', async () => {
    const request = httpRequest(new URL(path, withSecret.endpoint), {
      method: 'POST',
      headers: { 'Content-Length': '1000000' },
    });
    request.flushHeaders();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(403);
    expect(response.headers.connection).toBe('close');
    request.destroy();
  });
});

describe('a webhook endpoint without a secret refuses, and nothing comes of it:', () => {
  it.each<[string, (body: string) => Promise<string>]>([
    [
      'an access token as signature, though the same authorization server signed it',
      async () => withKeys.fusionAuth.token(),
    ],
    [
      'the signature of another key under the name of a published one',
      async (body) => {
        const { privateKey } = await generateKeyPair('RS256');
        return withKeys.fusionAuth.token(claims(body), { key: privateKey });
      },
    ],
    [
      'HS256 with the public key as secret',
      async (body) => signatureOf(body, await withKeys.fusionAuth.publicKeyPem()),
    ],
  ])('%s', async (_name, sign) => {
    const body = deactivation();
    const attack = async (): Promise<Response> => send(withKeys, body, signed(await sign(body)));
    expect(await outcome(withKeys, 'wrong-signature', attack)).toEqual([403, 'wrong-signature', 200]);
  });

  it('the signature of a key that is not published', async () => {
    await using running = await protectedServer({ env: { WEBHOOK_PATH: path } });
    const body = deactivation();
    const response = await send(running, body, signed(await running.fusionAuth.token(claims(body))));
    expect(response.status).toBe(403);
    expect(running.entries('webhook refused')).toMatchObject([{ reason: 'wrong-signature', level: 'warn' }]);
  });

  it('what nobody can verify while FusionAuth is away: 503, so that it is sent again', async () => {
    await using running = await protectedServer({ env: { WEBHOOK_PATH: path } });
    const body = deactivation();
    const jwt = await running.fusionAuth.token(claims(body));
    await running.fusionAuth.close();
    const response = await send(running, body, signed(jwt));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(running.entries('webhook refused')).toMatchObject([{ reason: 'keys-unknown', level: 'error' }]);
  });
});

describe('a webhook endpoint takes', () => {
  it('an event once, and answers 200 when it comes again', async () => {
    const body = deactivation();
    const token = await withSecret.fusionAuth.token({ sub: userId });
    expect(await statusOf(withSecret, token)).toBe(200);
    for (const expected of ['taken', 'repeated']) {
      const before = await counted(withSecret, 'user.deactivate', expected);
      const response = await sendSigned(body);
      expect([response.status, await response.json()]).toEqual([200, { outcome: expected }]);
      expect(await counted(withSecret, 'user.deactivate', expected)).toBe(before + 1);
      expect(await statusOf(withSecret, token)).toBe(401);
    }
  });

  it("a change of keys once: who records it can't have tokens verified over and over", async () => {
    const { fusionAuth } = withSecret;
    const token = await fusionAuth.token({ sub: userId });
    const validations = async (): Promise<number> => {
      expect(await statusOf(withSecret, token)).toBe(200);
      return fusionAuth.requests.filter(({ authorization }) => authorization === `Bearer ${token}`).length;
    };
    const body = eventBody('jwt.public-key.update', { applicationIds: [] });
    const first = await validations();
    expect(await validations()).toBe(first + 1);
    const counts = [];
    for (let time = 0; time < 2; time += 1) {
      expect((await sendSigned(body)).status).toBe(200);
      counts.push(await validations());
    }
    // Each call asks for the userinfo; the first after the event validates the token besides.
    expect(counts).toEqual([first + 3, first + 4]);
  });

  it.each([
    ['a user', { userId: 'own' }, [401, 401, 200]],
    ['a client', { applicationId: 'own' }, [401, 200, 401]],
    ['a user of a client', { userId: 'own', applicationId: 'own' }, [401, 200, 200]],
  ])('the end of the refresh tokens of %s', async (_name, fields, statuses) => {
    const { fusionAuth } = withSecret;
    const applicationId = randomUUID();
    const own: Record<string, string> = { userId, applicationId };
    const aud = [applicationId, fusionAuth.resource];
    const tokens = [
      await fusionAuth.token({ sub: userId, aud }),
      await fusionAuth.token({ sub: userId }),
      await fusionAuth.token({ aud }),
    ];
    const response = await sendSigned(
      eventBody('jwt.refresh-token.revoke', {
        ...Object.fromEntries(Object.keys(fields).map((name) => [name, own[name]])),
        applicationTimeToLiveInSeconds: { [applicationId]: 3_600 },
      }),
    );
    expect(response.status).toBe(200);
    const after = [];
    for (const token of tokens) after.push(await statusOf(withSecret, token));
    expect(after).toEqual(statuses);
  });

  it('any other event without doing anything', async () => {
    const response = await sendSigned(eventBody('user.login.success', { user: { id: userId } }));
    expect([response.status, await response.json()]).toEqual([200, { outcome: 'ignored' }]);
    expect(await statusOf(withSecret, await withSecret.fusionAuth.token({ sub: userId }))).toBe(200);
  });

  it('nothing unless a path is configured', async () => {
    await using running = await protectedServer();
    const body = deactivation();
    expect((await send(running, body, signed(await signatureOf(body)))).status).toBe(404);
  });

  it('an event under any host name: inside, FusionAuth may know the server by another', async () => {
    const body = deactivation();
    const request = httpRequest(new URL(path, withSecret.endpoint), {
      method: 'POST',
      headers: { Host: 'mcp-server:8000', ...signed(await signatureOf(body)) },
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(200);
  });
});
