import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AuthorizationContext } from '../../src/authorization/authorize.ts';
import type { TokenSet } from '../../src/token-store/token-store.ts';
import type { Behaviour } from '../support/authorization-server.ts';
import { bridgedHost, type Message } from '../support/bridged-host.ts';
import { noBrowser } from '../support/browser.ts';
import { refusalOf } from '../support/failure.ts';
import { proofIn, thumbprintOf } from '../support/proofs.ts';
import { signingKey } from '../support/signed-jwt.ts';
import { signInScene } from '../support/sign-in-scene.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tokenSet } from '../support/token-sets.ts';

const worked = { method: 'tools/list' };

/** A server and its authorization server that bind tokens to keys, and a host's question to it. */
async function dpopScene(
  behaviour: Behaviour = { dpop: {} },
  settings: Partial<AuthorizationContext['config']> = {},
) {
  const scene = await signInScene(behaviour, settings);
  const { provider, store, key, browser } = scene;
  const own = { boundOnly: settings.dpop === 'always' };
  /** Asks by a process of its own, which may open a browser or not. */
  const ask = (open = browser.open): Promise<Message> =>
    bridgedHost(provider.resource, { tokens: scene.process(open, own) }).request(1, 'tools/list');
  const stored = async (): Promise<TokenSet> => (await store.load(key)) ?? expect.unreachable('signed in');
  /** The thumbprints of the keys whose proofs came with token requests; undefined where there was no proof. */
  const keysAtTokenEndpoint = (): (string | undefined)[] =>
    provider
      .requestsTo('/token')
      .map((request) => ('dpop' in request.headers ? proofIn(request, provider.issuer).jkt : undefined));
  const schemes = (): (string | undefined)[] =>
    provider.requestsTo('/mcp').map(({ headers }) => headers.authorization?.split(' ')[0]);
  return {
    ...scene,
    ask,
    stored,
    keysAtTokenEndpoint,
    schemes,
    process: () => scene.process(browser.open, own),
  };
}

describe('a server that takes only tokens that are bound to a key', () => {
  it('gets one, and a proof with each request', async () => {
    const { ask, browser, stored, keysAtTokenEndpoint, schemes, log } = await dpopScene();
    expect((await ask()).result).toEqual(worked);
    const { tokenType, proofKey, accessToken, refreshToken } = await stored();
    expect(tokenType).toBe('DPoP');
    const jkt = thumbprintOf({ ...proofKey });
    expect(browser.opened[0]?.searchParams.get('dpop_jkt')).toBe(jkt);
    expect(keysAtTokenEndpoint()).toEqual([jkt]);
    expect(schemes()).toEqual([undefined, 'DPoP']);
    for (const secret of [accessToken, refreshToken ?? '', proofKey?.d ?? '', 'eyJ'])
      expect(log.text()).not.toContain(secret);
  });

  it('has the next process use the same key, also for refreshing', async () => {
    const { ask, provider, clock, stored, keysAtTokenEndpoint } = await dpopScene();
    await ask();
    const { proofKey } = await stored();
    clock.now += 3_600_000;
    provider.expireAccessTokens();
    expect((await ask(noBrowser())).result).toEqual(worked);
    expect((await stored()).proofKey).toEqual(proofKey);
    const jkt = thumbprintOf({ ...proofKey });
    expect(keysAtTokenEndpoint()).toEqual([jkt, jkt]);
  });

  it('gets a token that nobody else can use', async () => {
    const { ask, provider, stored } = await dpopScene();
    await ask();
    const { accessToken } = await stored();
    for (const scheme of ['Bearer', 'DPoP']) {
      const headers = { authorization: `${scheme} ${accessToken}`, 'content-type': 'application/json' };
      const body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
      expect((await fetch(provider.resource, { method: 'POST', headers, body })).status).toBe(401);
    }
  });

  it('may want a nonce in each proof, as may its authorization server', async () => {
    const { ask, provider, clock } = await dpopScene({ dpop: { nonce: 'nonce-1' } });
    expect((await ask()).result).toEqual(worked);
    expect(provider.tokenRequests()).toHaveLength(2);
    expect(provider.requestsTo('/mcp')).toHaveLength(3);
    clock.now += 3_600_000;
    expect((await ask(noBrowser())).result).toEqual(worked);
  });

  it.each([
    ['ahead of', 600_000],
    ['behind', -600_000],
  ])('may have a clock that is %s ours', async (_which, ahead) => {
    const { ask } = await dpopScene({ dpop: { ahead } });
    expect(await ask()).toMatchObject({ result: worked });
  });

  it('may say so in its metadata alone', async () => {
    const { ask, schemes } = await dpopScene({
      dpop: { optional: true },
      // Not announced: it is tried all the same.
      metadata: (correct) => ({ ...correct, dpop_signing_alg_values_supported: undefined }),
      resourceMetadata: (correct) => ({ ...correct, dpop_bound_access_tokens_required: true }),
    });
    expect((await ask()).result).toEqual(worked);
    expect(schemes().at(-1)).toBe('DPoP');
  });

  it('has whoever holds a bearer token sign in anew, and not refresh it', async () => {
    const { ask, provider, stored } = await dpopScene({});
    await ask();
    expect((await stored()).tokenType).toBeUndefined();
    provider.behaviour = { dpop: {} };
    expect((await ask()).result).toEqual(worked);
    expect((await stored()).tokenType).toBe('DPoP');
    expect(provider.tokenRequests('refresh_token')).toEqual([]);
  });

  it('gets nothing, with a reason, when its authorization server issues bearer tokens', async () => {
    const { ask, browser, provider } = await dpopScene({ dpop: { ignored: true } });
    const { error } = await ask();
    expect(error?.data?.code).toBe('binding-impossible');
    expect(error?.message).toContain(`${provider.issuer} has issued a bearer token`);
    expect((await browser.pages())[0]?.text).toContain('bearer token');
  });

  it('gets nothing, with a reason, under --dpop never or without an algorithm in common', async () => {
    const forbidden = await dpopScene({ dpop: {} }, { dpop: 'never' });
    expect((await forbidden.ask(noBrowser())).error?.message).toContain('--dpop never forbids');
    const metadata = (correct: object) => ({
      ...correct,
      dpop_signing_alg_values_supported: ['ES512', 'HS256'],
    });
    const foreign = await dpopScene({ dpop: {}, metadata });
    expect((await foreign.ask(noBrowser())).error?.message).toContain('no algorithm in common');
  });
});

describe('a server that takes both kinds of tokens', () => {
  const both: Behaviour = { dpop: { optional: true } };

  it('gets one that is bound to a key', async () => {
    const { ask, schemes } = await dpopScene(both);
    expect((await ask()).result).toEqual(worked);
    expect(schemes()).toEqual([undefined, 'DPoP']);
  });

  it('gets a bearer token when the authorization server does not announce DPoP, or --dpop never says so', async () => {
    const metadata = (correct: object) => ({ ...correct, dpop_signing_alg_values_supported: undefined });
    for (const scene of [await dpopScene({ ...both, metadata }), await dpopScene(both, { dpop: 'never' })]) {
      expect((await scene.ask()).result).toEqual(worked);
      expect(scene.schemes()).toEqual([undefined, 'Bearer']);
      expect(scene.keysAtTokenEndpoint()).toEqual([undefined]);
    }
  });

  it('gets a bearer token when the authorization server announces DPoP and issues none', async () => {
    const { ask, schemes, stored, provider, clock, keysAtTokenEndpoint } = await dpopScene({
      dpop: { optional: true, ignored: true },
    });
    expect((await ask()).result).toEqual(worked);
    expect((await stored()).tokenType).toBeUndefined();
    clock.now += 3_600_000;
    provider.expireAccessTokens();
    expect((await ask(noBrowser())).result).toEqual(worked);
    expect(new Set(schemes())).toEqual(new Set([undefined, 'Bearer']));
    expect(keysAtTokenEndpoint()).not.toContain(undefined);
  });
});

describe('a server that says nothing of DPoP', () => {
  const announced: Behaviour = {
    metadata: (correct) => ({ ...correct, dpop_signing_alg_values_supported: ['ES256'] }),
  };

  it('gets a bearer token, whatever the authorization server announces', async () => {
    const { ask, keysAtTokenEndpoint, stored } = await dpopScene(announced);
    expect((await ask()).result).toEqual(worked);
    expect(keysAtTokenEndpoint()).toEqual([undefined]);
    expect((await stored()).proofKey).toBeUndefined();
  });

  it('is not used without a bound token under --dpop always', async () => {
    const { ask } = await dpopScene(announced, { dpop: 'always' });
    expect((await ask()).error?.data?.code).toBe('binding-impossible');
  });
});

it('--dpop always uses no bearer token of an earlier sign-in', async () => {
  const { ask, store, key, provider, stored, schemes } = await dpopScene(
    { dpop: { optional: true } },
    { dpop: 'always' },
  );
  await store.save(key, tokenSet({ issuer: provider.issuer, expiresAt: undefined }));
  expect((await ask()).result).toEqual(worked);
  expect((await stored()).tokenType).toBe('DPoP');
  expect(schemes()).not.toContain('Bearer');
  expect(provider.tokenRequests('refresh_token')).toEqual([]);
});

describe('every grant binds its tokens', () => {
  it('the device grant', async () => {
    const { ask, schemes, keysAtTokenEndpoint } = await dpopScene(
      { dpop: { nonce: 'nonce-1' }, devicePolls: ['authorization_pending'] },
      { deviceCode: true },
    );
    expect((await ask(noBrowser())).result).toEqual(worked);
    expect(schemes().at(-1)).toBe('DPoP');
    expect(new Set(keysAtTokenEndpoint()).size).toBe(1);
  });

  it('client credentials, with an assertion of its own for each attempt', async () => {
    const key = signingKey();
    const { ask, provider, schemes } = await dpopScene(
      { dpop: { nonce: 'nonce-1' } },
      {
        clientCredentials: true,
        client: { clientId: 'service-1' },
        clientKey: { kind: 'environment', name: 'CLIENT_KEY' },
        environment: { CLIENT_KEY: key.pem },
      },
    );
    provider.clients.add({ id: 'service-1', authentication: 'private_key_jwt', publicJwk: key.publicJwk });
    expect((await ask(noBrowser())).result).toEqual(worked);
    expect(schemes().at(-1)).toBe('DPoP');
    expect(provider.tokenRequests('client_credentials')).toHaveLength(2);
  });

  it('the JWT bearer grant', async () => {
    const platform = signingKey();
    const file = path.join(await temporaryFolder(), 'token');
    const { ask, provider, schemes } = await dpopScene(
      { dpop: { nonce: 'nonce-1' }, trusts: { key: platform.publicJwk, anonymous: true } },
      { client: undefined, workloadToken: { kind: 'file', path: file } },
    );
    await writeFile(file, platform.jwt({ iss: 'https://platform.example', sub: 'w', aud: provider.issuer }));
    expect((await ask(noBrowser())).result).toEqual(worked);
    expect(schemes().at(-1)).toBe('DPoP');
  });
});

it('a token that is bound to a key that nobody has asked to be bound to is not taken', async () => {
  const { process } = await dpopScene({ tokenResponse: { token_type: 'DPoP' } });
  const { code, message } = await refusalOf(() => process().onUnauthorized(undefined, {}));
  expect(code).toBe('sign-in-invalid');
  expect(message).toContain('bound to a key');
});
