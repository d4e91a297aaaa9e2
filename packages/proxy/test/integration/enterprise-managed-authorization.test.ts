import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openConnection } from '../../src/proxy.ts';
import { AuthorizationServer } from '../support/authorization-server.ts';
import { visit } from '../support/browser.ts';
import { refusalOf } from '../support/failure.ts';
import { freePort } from '../support/loopback-server.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { configOf } from '../support/sign-in-commands.ts';
import { signingKey, verifiedJwt } from '../support/signed-jwt.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const type = (name: string): string => `urn:ietf:params:oauth:token-type:${name}`;
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** A company's identity provider: signs users in, refreshes, and exchanges ID tokens for ID-JAGs. */
async function identityProvider() {
  const key = signingKey();
  const forms: URLSearchParams[] = [];
  /** Seconds that an ID token is good; whether a refresh token is; whether the user may use the server. */
  const state = { life: 300, refreshes: true, allows: true, signIns: 0 };
  let issuer = '';
  const idToken = (): string =>
    key.jwt({ iss: issuer, sub: 'ann', aud: 'at-idp', exp: Math.floor(Date.now() / 1_000) + state.life });
  const answer = (form: URLSearchParams): [number, object] => {
    const refused: [number, object] = [400, { error: 'invalid_grant' }];
    if (form.get('grant_type') === exchangeGrant) {
      const claims = verifiedJwt(form.get('subject_token') ?? '', key.publicJwk)?.claims;
      if (claims?.['aud'] !== 'at-idp' || form.get('subject_token_type') !== type('id_token')) return refused;
      if (!state.allows) return [403, { error: 'access_denied' }];
      const [aud, resource] = [form.get('audience'), form.get('resource')];
      const jag = { iss: issuer, sub: 'ann', aud, resource, client_id: 'client-1' };
      const access_token = key.jwt(jag, { typ: 'oauth-id-jag+jwt' });
      return [200, { access_token, issued_token_type: type('id-jag'), token_type: 'N_A', expires_in: 300 }];
    }
    if (form.get('grant_type') === 'refresh_token' && !state.refreshes) return refused;
    return [
      200,
      { access_token: 'a', token_type: 'Bearer', id_token: idToken(), refresh_token: 'refresh-idp' },
    ];
  };
  const server = createServer((request: IncomingMessage, response) => {
    const url = new URL(request.url ?? '/', issuer);
    const send = (status: number, content: object): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
    if (url.pathname === '/.well-known/openid-configuration') {
      const endpoints = { authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` };
      send(200, { issuer, ...endpoints, id_token_signing_alg_values_supported: ['ES256'] });
    } else if (url.pathname === '/authorize') {
      state.signIns += 1;
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('code', 'code-idp');
      back.searchParams.set('state', url.searchParams.get('state') ?? '');
      response.writeHead(302, { location: back.href }).end();
    } else if (url.pathname === '/token') {
      void text(request).then((body) => {
        const form = new URLSearchParams(body);
        forms.push(form);
        send(...answer(form));
      });
    } else send(404, {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  issuer = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const grants = (grant: string): URLSearchParams[] =>
    forms.filter((form) => form.get('grant_type') === grant);
  return { issuer, key, state, grants, idToken };
}

/** A company with an identity provider and a machine; each server takes the provider's word. */
async function company() {
  const provider = await identityProvider();
  const folder = await temporaryFolder();
  const port = String(await freePort());
  const startServer = () =>
    AuthorizationServer.start({ trusts: { key: provider.key.publicJwk, typ: 'oauth-id-jag+jwt' } });
  const connect = (server: AuthorizationServer, flags: string[] = [], env: Record<string, string> = {}) => {
    const recorded = recordedLog();
    const { log, when } = recorded;
    const there = [
      '--identity-provider',
      provider.issuer,
      '--identity-provider-client',
      '{"client_id":"at-idp"}',
    ];
    const argv = [server.resource.href, port, '--client-id', 'client-1', '--no-browser', ...there, ...flags];
    const config = configOf(folder, argv, env);
    const { signal } = new AbortController();
    const { bearerToken } = openConnection(config, server.resource, log, signal);
    /** By a user who opens the page that is shown. */
    const signIn = async (): Promise<void> => {
      const done = bearerToken.onUnauthorized(undefined, {});
      await visit((await when(' here: ')).split(' here: ')[1]?.trim() ?? '');
      await done;
    };
    return { bearerToken, signIn, said: () => recorded.text() };
  };
  return { provider, startServer, connect };
}

describe('enterprise-managed authorization', () => {
  it('signs in at the identity provider, and gets the server’s token for its word', async () => {
    const { provider, startServer, connect } = await company();
    const server = await startServer();
    const { bearerToken, signIn, said } = connect(server);
    await signIn();
    expect(await bearerToken.token()).toMatch(/^access-/u);
    expect(Object.fromEntries(provider.grants(exchangeGrant)[0] ?? [])).toMatchObject({
      requested_token_type: type('id-jag'),
      audience: server.issuer,
      resource: server.resource.href,
      client_id: 'at-idp',
    });
    expect(server.requestsTo('/authorize')).toEqual([]);
    expect(said()).not.toContain('eyJ');
  });

  it('asks nobody at the next server, nor in the next process', async () => {
    const { provider, startServer, connect } = await company();
    await connect(await startServer()).signIn();
    const { bearerToken } = connect(await startServer());
    await bearerToken.onUnauthorized(undefined, {});
    expect(await bearerToken.token()).toMatch(/^access-/u);
    expect(provider.state.signIns).toBe(1);
  });

  it('renews an ID token that has ended by the refresh token, and asks the user only when that is gone', async () => {
    const { provider, startServer, connect } = await company();
    // Within the margin in which a token counts as ended.
    provider.state.life = 5;
    await connect(await startServer()).signIn();
    const before = provider.grants('refresh_token').length;
    await connect(await startServer()).bearerToken.onUnauthorized(undefined, {});
    expect(provider.grants('refresh_token')).toHaveLength(before + 1);
    expect(provider.state.signIns).toBe(1);
    Object.assign(provider.state, { life: 300, refreshes: false });
    await connect(await startServer()).signIn();
    expect(provider.state.signIns).toBe(2);
  });

  it('fails when the company does not allow it, and tries nothing else', async () => {
    const { provider, startServer, connect } = await company();
    provider.state.allows = false;
    const server = await startServer();
    const env = { ID_TOKEN: provider.idToken() };
    const { bearerToken } = connect(server, ['--identity-token', 'env:ID_TOKEN'], env);
    const { code, message } = await refusalOf(() => bearerToken.onUnauthorized(undefined, {}));
    expect(code).toBe('token-request-failed');
    expect(message).toContain('access_denied');
    expect(server.tokenRequests()).toEqual([]);
  });

  it('takes an ID token from elsewhere, and refuses one that has ended', async () => {
    const { provider, startServer, connect } = await company();
    const flags = ['--identity-token', 'env:ID_TOKEN'];
    const env = { ID_TOKEN: provider.idToken() };
    await connect(await startServer(), flags, env).bearerToken.onUnauthorized(undefined, {});
    expect(provider.state.signIns).toBe(0);
    provider.state.life = -60;
    const { bearerToken } = connect(await startServer(), flags, { ID_TOKEN: provider.idToken() });
    const { code } = await refusalOf(() => bearerToken.onUnauthorized(undefined, {}));
    expect(code).toBe('assertion-refused');
  });

  it('fails when the authorization server does not trust the identity provider', async () => {
    const { provider, startServer, connect } = await company();
    const server = await startServer();
    server.behaviour = { trusts: { key: signingKey().publicJwk, typ: 'oauth-id-jag+jwt' } };
    const env = { ID_TOKEN: provider.idToken() };
    const { bearerToken } = connect(server, ['--identity-token', 'env:ID_TOKEN'], env);
    const { code } = await refusalOf(() => bearerToken.onUnauthorized(undefined, {}));
    expect(code).toBe('assertion-refused');
  });
});
