// FusionAuth's type declarations judge the emulator's bodies, field by field.
import { randomUUID } from 'node:crypto';
import { FusionAuthClient } from '@fusionauth/typescript-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { redirectUri, registerClient, SignIn, testUser } from '../support/client.ts';
import { Declarations } from '../support/declarations.ts';

let emulator: Emulator;
let declarations: Declarations;
let client: FusionAuthClient;
let anonymous: FusionAuthClient;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
  declarations = new Declarations();
  client = declarations.judging(new FusionAuthClient(emulator.apiKey ?? '', emulator.url));
  anonymous = declarations.judging(new FusionAuthClient('', emulator.url), 'OAuthError');
});
beforeEach(() => {
  declarations.findings.clear();
});
afterAll(() => emulator.close());

describe('every answer has the members that FusionAuth’s client declares, of the declared kinds', () => {
  it('for applications and scopes', async () => {
    const id = randomUUID();
    const scopeId = randomUUID();
    const application = { name: 'Judged', roles: [{ name: 'reader', isDefault: true }] };
    await client.createApplication(id, { application });
    await client.retrieveApplication(id);
    await client.retrieveApplications();
    await client.searchApplications({ search: { name: 'Judged' } });
    await client.retrieveOauthConfiguration(id);
    await client.patchApplication(id, { application: { name: 'Judged again' } });
    await client.updateApplication(id, { application });
    const scope = { name: 'read', required: true, defaultConsentMessage: 'Read' };
    await client.createOAuthScope(id, scopeId, { scope });
    await client.retrieveOAuthScope(id, scopeId);
    await client.patchOAuthScope(id, scopeId, { scope: { required: false } });
    await client.updateOAuthScope(id, scopeId, { scope });
    await expect(client.createOAuthScope(id, '', { scope })).rejects.toMatchObject({ statusCode: 400 });
    await client.deleteOAuthScope(id, scopeId);
    await client.deactivateApplication(id);
    await client.retrieveInactiveApplications();
    await client.reactivateApplication(id);
    await client.deleteApplication(id);
    expect([...declarations.findings]).toEqual([]);
  });

  it('for users and registrations', async () => {
    const applicationId = await registerClient(emulator);
    const user = { email: 'judged@example.com', password: 'password', firstName: 'Judged', data: { a: 1 } };
    const id = (await client.createUser('', { user })).response.user?.id ?? '';
    await client.retrieveUser(id);
    await client.retrieveUserByEmail(user.email);
    await client.patchUser(id, { user: { lastName: 'User' } });
    await client.updateUser(id, { user });
    await client.register(id, { registration: { applicationId } });
    await client.retrieveRegistration(id, applicationId);
    await client.patchRegistration(id, { registration: { applicationId, username: 'judged' } });
    await client.updateRegistration(id, { registration: { applicationId } });
    await client.deleteRegistration(id, applicationId);
    await client.deactivateUser(id);
    await client.reactivateUser(id);
    await client.deleteUser(id);
    await expect(client.createUser('', { user: { email: 'none' } })).rejects.toMatchObject({
      statusCode: 400,
    });
    expect([...declarations.findings]).toEqual([]);
  });

  it('for the tenant, keys, webhooks and the system', async () => {
    const { response } = await client.retrieveTenants();
    const tenantId = response.tenants?.[0]?.id ?? '';
    await client.retrieveTenant(tenantId);
    await client.patchTenant(tenantId, { tenant: { name: 'Default' } });
    const generated = await client.generateKey('', { key: { name: 'Judged', algorithm: 'ES256' as never } });
    const keyId = generated.response.key?.id ?? '';
    await client.retrieveKey(keyId);
    await client.retrieveKeys();
    await client.deleteKey(keyId);
    const webhook = { url: 'http://localhost:1/', global: true, connectTimeout: 500, readTimeout: 500 };
    const webhookId = (await client.createWebhook('', { webhook })).response.webhook?.id ?? '';
    await client.retrieveWebhook(webhookId);
    await client.retrieveWebhooks();
    await client.updateWebhook(webhookId, { webhook });
    await client.deleteWebhook(webhookId);
    const theme = { name: 'Judged', stylesheet: 'body {}' };
    const themeId = (await client.createTheme('', { theme })).response.theme?.id ?? '';
    await client.patchTheme(themeId, { theme: { name: 'Judged again' } });
    await client.retrieveThemes();
    await client.deleteTheme(themeId);
    const configuration = await client.retrieveSystemConfiguration();
    await client.patchSystemConfiguration(configuration.response);
    await client.retrieveReactorStatus();
    await client.retrieveVersion();
    await client.retrieveSystemHealth();
    await client.retrieveSystemStatus();
    await client.retrieveSystemStatusUsingAPIKey();
    expect([...declarations.findings]).toEqual([]);
  });

  it('for OAuth and tokens', async () => {
    const id = await registerClient(emulator, {
      enabledGrants: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    });
    await anonymous.retrieveOpenIdConfiguration();
    await anonymous.retrieveJsonWebKeySet();
    const { user_code: userCode = '' } = (await anonymous.deviceAuthorize(id, '', 'openid')).response;
    const signIn = new SignIn(emulator, id);
    const code = await signIn.code({ resource: undefined });
    const { response } = await anonymous.exchangeOAuthCodeForAccessTokenUsingPKCE(
      code,
      id,
      '',
      redirectUri,
      signIn.verifier,
    );
    const { access_token: accessToken = '', refresh_token: refreshToken = '' } = response;
    await anonymous.validateJWT(accessToken);
    await anonymous.retrieveUserInfoFromAccessToken(accessToken);
    await anonymous.introspectAccessToken(id, accessToken);
    await anonymous.validateDevice(userCode, id);
    await anonymous.approveDevice(id, '', accessToken, userCode);
    await expect(anonymous.validateDevice(userCode, id)).rejects.toMatchObject({ statusCode: 400 });
    await anonymous.exchangeRefreshTokenForAccessToken(refreshToken, id, '', '', '');
    await client.retrieveRefreshTokens(testUser.id);
    await client.revokeRefreshTokensByUserId(testUser.id);
    await expect(
      anonymous.exchangeRefreshTokenForAccessToken(refreshToken, id, '', '', ''),
    ).rejects.toMatchObject({ statusCode: 400 });
    expect([...declarations.findings]).toEqual([]);
  });

  it('for a device’s code, whose body the call does not declare', async () => {
    const client_id = await registerClient(emulator, {
      enabledGrants: ['urn:ietf:params:oauth:grant-type:device_code'],
    });
    const plain = new FusionAuthClient('', emulator.url);
    const { user_code = '' } = (await plain.deviceAuthorize(client_id, '', 'openid profile')).response;
    const { response } = await plain.retrieveUserCodeWithRequest({ client_id, user_code });
    declarations.judge('DeviceUserCodeResponse', response);
    expect(response).toMatchObject({ scope: 'profile' });
    expect([...declarations.findings]).toEqual([]);
  });

  it('and all of it was compared', () => {
    const { types, calls, fields } = declarations;
    process.stderr.write(`${types.size} types, ${calls.size} calls, ${fields} fields compared\n`);
    expect(types).toContain('Errors');
    expect(types).toContain('OAuthError');
    expect(calls.size).toBeGreaterThan(50);
  });
});

describe('the judge', () => {
  it.each([
    ['a made-up member', { user: { madeUp: 1 } }, 'retrieveUser.user.madeUp: User declares no such member'],
    ['another kind', { user: { email: 1 } }, 'retrieveUser.user.email: 1 is not string'],
    ['null', { user: null }, 'retrieveUser.user: null is not User'],
    [
      'an object for an array',
      { user: { registrations: {} } },
      'retrieveUser.user.registrations: {} is not array',
    ],
    [
      'a member inside an array',
      { user: { registrations: [{ x: 1 }] } },
      'retrieveUser.user.registrations[].x: UserRegistration declares no such member',
    ],
  ])('finds %s', (_what, body, finding) => {
    declarations.judgeCall('retrieveUser', body);
    expect([...declarations.findings]).toEqual([finding]);
  });

  it('finds a value that an enum lacks, and a body where none is declared', () => {
    declarations.judgeCall('retrieveJsonWebKeySet', { keys: [{ alg: 'made up' }] });
    declarations.judgeCall('deleteUser', {});
    expect([...declarations.findings]).toEqual([
      'retrieveJsonWebKeySet.keys[].alg: "made up" is not Algorithm',
      'deleteUser: {} is not nothing',
    ]);
  });
});
