// openid-client 6, the library that the proxy signs in with, through a whole flow.
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { decode, redirectUri, registerClient, resource, SignIn } from '../support/client.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
});
afterAll(() => emulator.close());

describe('openid-client', () => {
  it('discovers, signs in with PKCE and resource, verifies the id_token, and refreshes', async () => {
    const clientId = await registerClient(emulator);
    const config = await client.discovery(new URL(emulator.url), clientId, undefined, client.None(), {
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so that it stands out: plain http on loopback
      execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
    });
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const nonce = client.randomNonce();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid profile offline_access get_name',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      resource,
    });
    const signIn = new SignIn(emulator, clientId);
    const back = await signIn.allow(await signIn.login(await signIn.browser.open(url)));
    const tokens = await client.authorizationCodeGrant(
      config,
      back.url,
      { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce },
      { resource },
    );
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', { resource });
    const userinfo = await client.fetchUserInfo(config, refreshed.access_token, tokens.claims()?.sub ?? '');
    expect(decode(tokens.access_token).claims['aud']).toEqual([clientId, resource]);
    expect(refreshed.refresh_token).toBeUndefined();
    expect(userinfo.name).toBe('Test User');
  });
});
