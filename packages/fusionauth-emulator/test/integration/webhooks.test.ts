// Webhooks as FusionAuth documents them: events, signatures, transactions, further tries.
import { createHash } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { api, member, registerClient, SignIn, testUser, type Json } from '../support/client.ts';
import { subscribe, WebhookReceiver } from '../support/webhook-receiver.ts';

let emulator: Emulator;
let receiver: WebhookReceiver;
const warnings: string[] = [];
const log = { notice: push, info: push, warn: push, debug: push };
beforeAll(async () => {
  emulator = await startEmulator({ port: 0, log });
});
afterAll(() => emulator.close());
beforeEach(async () => {
  receiver = await WebhookReceiver.start();
});
afterEach(async () => {
  const { body } = await api(emulator, 'GET', '/api/webhook');
  for (const { id } of body['webhooks'] as Json[])
    await api(emulator, 'DELETE', `/api/webhook/${String(id)}`);
  await receiver.close();
});

function push(message: string): void {
  warnings.push(message);
}

const newUser = (email: string): Promise<{ status: number; body: Json }> =>
  api(emulator, 'POST', '/api/user', { user: { email, password: 'password' } });
const eventOf = (type: string): Json | undefined =>
  receiver.received.find(({ event }) => event['type'] === type)?.event;

describe('events', () => {
  it('tell the life of a user, with the user and where the call came from', async () => {
    const types = [
      'user.create',
      'user.create.complete',
      'user.deactivate',
      'user.reactivate',
      'user.delete',
    ];
    await subscribe(emulator, receiver.url, types, { transactionType: 'AbsoluteMajority' });
    const created = await newUser('webhook@example.com');
    const path = `/api/user/${String(member(created.body, 'user')['id'])}`;
    await api(emulator, 'DELETE', path);
    const reactivated = await api(emulator, 'PUT', `${path}?reactivate=true`);
    await api(emulator, 'DELETE', `${path}?hardDelete=true`);
    await expect.poll(() => receiver.types.toSorted()).toEqual(types.toSorted());
    expect(member(reactivated.body, 'user')['active']).toBe(true);
    expect(member(eventOf('user.deactivate') ?? {}, 'user')).toMatchObject({
      email: 'webhook@example.com',
      active: false,
    });
    expect(eventOf('user.create')).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/u) as string,
      createInstant: expect.any(Number) as number,
      tenantId: expect.any(String) as string,
      info: { ipAddress: expect.any(String) as string },
    });
    expect(JSON.stringify(receiver.received)).not.toMatch(/passwordHash|"password"/u);
  });

  it('tell a sign-in, and a refused one', async () => {
    await subscribe(emulator, receiver.url, ['user.login.success', 'user.login.failed'], {
      transactionType: 'Any',
    });
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const page = await signIn.login(await signIn.authorize(), { ...testUser, password: 'wrong' });
    await signIn.login(page);
    expect(receiver.types).toEqual(['user.login.failed', 'user.login.success']);
    expect(eventOf('user.login.success')).toMatchObject({
      applicationId: signIn.clientId,
      authenticationType: 'PASSWORD',
      user: { id: testUser.id },
    });
  });

  it('tell a revoked refresh token: one, a user’s, an application’s', async () => {
    await subscribe(emulator, receiver.url, ['jwt.refresh-token.revoke', 'user.deactivate'], {
      transactionType: 'AbsoluteMajority',
    });
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const first = await signIn.tokens();
    await api(emulator, 'DELETE', `/api/jwt/refresh/${String(first['refresh_token_id'])}`);
    await signIn.tokens();
    await api(emulator, 'DELETE', `/api/jwt/refresh?applicationId=${signIn.clientId}`);
    await signIn.tokens();
    await api(emulator, 'DELETE', `/api/user/${testUser.id}`);
    await api(emulator, 'PUT', `/api/user/${testUser.id}?reactivate=true`);
    const [one, all, deactivated, users] = receiver.received.map(({ event }) => event);
    const applicationTimeToLiveInSeconds = { [signIn.clientId]: 3_600 };
    expect(one).toMatchObject({
      applicationId: signIn.clientId,
      applicationTimeToLiveInSeconds,
      refreshToken: { id: first['refresh_token_id'], userId: testUser.id },
      user: { id: testUser.id },
      userId: testUser.id,
    });
    expect(JSON.stringify(one)).not.toContain(String(first['refresh_token']));
    expect(all).toMatchObject({ applicationId: signIn.clientId, applicationTimeToLiveInSeconds });
    expect(all).not.toHaveProperty('userId');
    expect(deactivated?.['type']).toBe('user.deactivate');
    expect(users).toMatchObject({ userId: testUser.id, applicationTimeToLiveInSeconds });
    expect(users).not.toHaveProperty('refreshToken');
  });

  it('tell that the signing keys changed, with the applications concerned', async () => {
    await subscribe(emulator, receiver.url, ['jwt.public-key.update'], { transactionType: 'Any' });
    const clientId = await registerClient(emulator);
    const { body } = await api(emulator, 'POST', '/api/key/generate', {
      key: { name: 'Next', algorithm: 'ES256' },
    });
    const tenants = await api(emulator, 'GET', '/api/tenant');
    const tenantId = String((tenants.body['tenants'] as Json[])[0]?.['id']);
    await api(emulator, 'PATCH', `/api/tenant/${tenantId}`, {
      tenant: { jwtConfiguration: { accessTokenKeyId: member(body, 'key')['id'] } },
    });
    expect(eventOf('jwt.public-key.update')?.['applicationIds']).toContain(clientId);
  });

  it('are not sent unless tenant and webhook have them enabled, and the webhook is for the tenant', async () => {
    await subscribe(emulator, receiver.url, ['user.create'], {
      transactionType: 'AbsoluteMajority',
      webhook: { global: false },
    });
    await subscribe(emulator, receiver.url, ['user.create'], {
      transactionType: 'AbsoluteMajority',
      webhook: { eventsEnabled: { 'user.create': false } },
    });
    await newUser('one@example.com');
    expect(receiver.received).toEqual([]);
  });
});

describe('the signature', () => {
  it('is a JWT over the body’s hash, verified with the published key', async () => {
    const { body } = await api(emulator, 'POST', '/api/key/generate', {
      key: { name: 'Webhooks', algorithm: 'RS256', length: 2048 },
    });
    const signingKeyId = member(body, 'key')['id'];
    await subscribe(emulator, receiver.url, ['user.create'], {
      transactionType: 'Any',
      webhook: { signatureConfiguration: { enabled: true, signingKeyId } },
    });
    await newUser('signed@example.com');
    const [first] = receiver.received;
    const jwks = createRemoteJWKSet(new URL(`${emulator.url}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(
      String(first?.headers['x-fusionauth-signature-jwt']),
      jwks,
    );
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: member(body, 'key')['kid'] });
    expect(payload).toEqual({
      request_body_sha256: createHash('sha256')
        .update(first?.body ?? '')
        .digest('base64'),
    });
    expect(first?.headers['content-type']).toBe('application/json');
  });

  it('is made with an imported secret as well, beside headers and Basic authentication', async () => {
    const secret = 'a secret that both sides know, 32 bytes long';
    const { body } = await api(emulator, 'POST', '/api/key/import', {
      key: { name: 'Shared', algorithm: 'HS256', secret },
    });
    await subscribe(emulator, receiver.url, ['user.create'], {
      transactionType: 'Any',
      webhook: {
        headers: { 'X-Custom': 'yes' },
        httpAuthenticationUsername: 'user',
        httpAuthenticationPassword: 'pass',
        signatureConfiguration: { enabled: true, signingKeyId: member(body, 'key')['id'] },
      },
    });
    await newUser('hmac@example.com');
    const headers = receiver.received[0]?.headers ?? {};
    const verified = await jwtVerify(
      String(headers['x-fusionauth-signature-jwt']),
      new TextEncoder().encode(secret),
    );
    expect(verified.payload).toHaveProperty('request_body_sha256');
    expect(headers).toMatchObject({ 'x-custom': 'yes', authorization: `Basic ${btoa('user:pass')}` });
    expect(JSON.stringify(body)).not.toContain(secret);
  });

  it('needs a key that there is', async () => {
    const answer = await api(emulator, 'POST', '/api/webhook', {
      webhook: { url: 'ftp://x/', connectTimeout: 1, signatureConfiguration: { enabled: true } },
    });
    expect(answer.status).toBe(400);
    expect(Object.keys(member(answer.body, 'fieldErrors')).toSorted()).toEqual([
      'webhook.readTimeout',
      'webhook.signatureConfiguration.signingKeyId',
      'webhook.url',
    ]);
  });
});

describe('a transaction', () => {
  it.each([
    ['AbsoluteMajority', 504],
    ['SuperMajority', 504],
    ['SimpleMajority', 200],
    ['Any', 200],
    ['None', 200],
  ])('%s of two webhooks, of which one refuses, answers %i', async (transactionType, status) => {
    const other = await WebhookReceiver.start();
    try {
      const email = `${transactionType}@example.com`;
      other.answer(500);
      await subscribe(emulator, receiver.url, ['user.create'], { transactionType });
      await subscribe(emulator, other.url, ['user.create'], { transactionType });
      const answer = await newUser(email);
      const found = await api(emulator, 'GET', `/api/user?email=${email}`);
      expect(answer.status).toBe(status);
      expect(found.status).toBe(status === 504 ? 404 : 200);
      if (status === 504) {
        expect(answer.body['generalErrors']).toMatchObject([{ code: '[WebhookTransactionException]' }]);
        expect(warnings.at(-1)).toContain(`${other.url} refused user.create: HTTP 500`);
      }
    } finally {
      await other.close();
    }
  });

  it('that succeeded tries those again that failed, with the same event, up to three times', async () => {
    receiver.answer(500, 500, 200);
    await subscribe(emulator, receiver.url, ['user.create']);
    await newUser('again@example.com');
    await expect.poll(() => receiver.received.length, { timeout: 5_000 }).toBe(3);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
  });

  it('keeps a user out whose sign-in a webhook refuses', async () => {
    receiver.answer(403);
    await subscribe(emulator, receiver.url, ['user.login.success'], { transactionType: 'Any' });
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const page = await signIn.login(await signIn.authorize());
    expect(page.url.pathname).toMatch(/^\/oauth2\/login\//u);
    expect(page.text).toContain('WebhookTransactionException');
  });
});
