// FusionAuth's own TypeScript client, unmodified, against the emulator.
import { randomUUID } from 'node:crypto';
import { FusionAuthClient } from '@fusionauth/typescript-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { answerOf, redirectUri, registerClient, resource, SignIn, testUser } from '../support/client.ts';

let emulator: Emulator;
let client: FusionAuthClient;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
  client = new FusionAuthClient(emulator.apiKey ?? '', emulator.url);
});
afterAll(() => emulator.close());

// The bodies that FusionAuth's guide sends, as its setup script has them.
const guideApplication = (name: string) => ({
  application: {
    name,
    oauthConfiguration: {
      authorizedRedirectURLs: [
        redirectUri,
        'http://127.0.0.1:3334/oauth/callback',
        'http://localhost:3334/callback',
        'http://127.0.0.1:3334/callback',
      ],
      authorizedResourceUris: [resource],
      authorizedURLValidationPolicy: 'ExactMatch',
      clientAuthenticationPolicy: 'NotRequiredWhenUsingPKCE',
      enabledGrants: ['authorization_code', 'refresh_token'],
      generateRefreshTokens: true,
      proofKeyForCodeExchangePolicy: 'Required',
      requireClientAuthentication: false,
      relationship: 'ThirdParty',
      scopeHandlingPolicy: 'Strict',
    },
  },
});

const guideScope = {
  scope: {
    name: 'get_name',
    description: "Access the get_name tool to retrieve the authenticated user's name",
    defaultConsentMessage: 'Allow this application to read your name',
    defaultConsentDetail: 'This will share your display name with the requesting application.',
    required: true,
  },
};

describe('the calls of FusionAuth’s setup script, in its order', () => {
  it('create a client that signs in, and whose token validates and gives userinfo', async () => {
    const id = randomUUID();
    const status = await client.retrieveSystemStatus();
    const application = await client.createApplication(id, guideApplication('Claude Desktop') as object);
    const scope = await client.createOAuthScope(id, '', guideScope);
    const registration = await client.register(testUser.id, { registration: { applicationId: id } });

    expect(status.response).toMatchObject({ status: 'ok' });
    expect(application.statusCode).toBe(200);
    expect(application.response.application).toMatchObject({
      id,
      name: 'Claude Desktop',
      oauthConfiguration: { clientId: id, relationship: 'ThirdParty' },
    });
    expect(application.response.application?.oauthConfiguration?.clientSecret).toEqual(expect.any(String));
    expect(scope.response.scope).toMatchObject({ name: 'get_name', required: true, applicationId: id });
    expect(registration.response.registration).toMatchObject({ applicationId: id });

    const tokens = await new SignIn(emulator, id).tokens({ scope: 'openid profile get_name' });
    const accessToken = String(tokens['access_token']);
    const anonymous = new FusionAuthClient('', emulator.url);
    const validated = await anonymous.validateJWT(accessToken);
    const userinfo = await anonymous.retrieveUserInfoFromAccessToken(accessToken);
    expect(validated.response.jwt).toMatchObject({ sub: testUser.id, aud: [id, resource] });
    expect(userinfo.response).toMatchObject({ given_name: 'Test', family_name: 'User' });
  });
});

describe('what the client is told', () => {
  it('a taken name as a duplicate of application.name', async () => {
    await client.createApplication(randomUUID(), guideApplication('Taken') as object);
    await expect(
      client.createApplication(randomUUID(), guideApplication('Taken') as object),
    ).rejects.toMatchObject({
      statusCode: 400,
      exception: { fieldErrors: { 'application.name': [{ code: '[duplicate]application.name' }] } },
    });
  });

  it('a wrong key as 401 with an empty body', async () => {
    const wrong = new FusionAuthClient('wrong', emulator.url);
    await expect(wrong.retrieveApplications()).rejects.toMatchObject({ statusCode: 401 });
    const raw = await fetch(`${emulator.url}/api/application`, { headers: { authorization: 'wrong' } });
    expect(raw.status).toBe(401);
    expect(await raw.text()).toBe('');
  });

  it('an invalid token as 401', async () => {
    await expect(client.validateJWT('not.a.token')).rejects.toMatchObject({ statusCode: 401 });
  });

  it('another tenant as 400', async () => {
    const other = new FusionAuthClient(emulator.apiKey ?? '', emulator.url, randomUUID());
    await expect(other.retrieveApplications()).rejects.toMatchObject({ statusCode: 400 });
  });
});

describe('the rest of the management calls that the setup tool needs', () => {
  it('find, change and delete applications', async () => {
    const id = randomUUID();
    await client.createApplication(id, guideApplication('Cursor') as object);
    const found = await client.searchApplications({ search: { name: 'curs*' } });
    const patched = await client.patchApplication(id, {
      application: { oauthConfiguration: { clientAuthenticationPolicy: 'NotRequired' as never } },
    });
    const configuration = await client.retrieveOauthConfiguration(id);
    await client.deactivateApplication(id);
    const inactive = await client.retrieveInactiveApplications();
    await client.deleteApplication(id);
    expect(found.response.applications?.map((item) => item.id)).toEqual([id]);
    expect(patched.response.application?.oauthConfiguration).toMatchObject({
      clientAuthenticationPolicy: 'NotRequired',
      proofKeyForCodeExchangePolicy: 'Required',
      requireClientAuthentication: false,
    });
    expect(configuration.response.oauthConfiguration?.clientId).toBe(id);
    expect(inactive.response.applications?.map((item) => item.id)).toContain(id);
    await expect(client.retrieveApplication(id)).rejects.toMatchObject({ statusCode: 404 });
  });

  it('take roles by name alone, as FusionAuth’s example kickstarts send them', async () => {
    const application = { name: 'Roles', roles: ['admin', { name: 'user', isDefault: true }] };
    const { response } = await client.createApplication('', { application } as object);
    expect(response.application?.roles?.map(({ name }) => name)).toEqual(['admin', 'user']);
  });

  it('read and change scopes; the name stays', async () => {
    const id = randomUUID();
    const scopeId = randomUUID();
    await client.createApplication(id, guideApplication('Scoped') as object);
    await client.createOAuthScope(id, scopeId, guideScope);
    const patched = await client.patchOAuthScope(id, scopeId, { scope: { name: 'other', required: false } });
    await expect(client.createOAuthScope(id, '', guideScope)).rejects.toMatchObject({
      statusCode: 400,
      exception: { fieldErrors: { 'scope.name': [{ code: '[duplicate]scope.name' }] } },
    });
    await client.deleteOAuthScope(id, scopeId);
    expect(patched.response.scope).toMatchObject({ name: 'get_name', required: false });
    await expect(client.retrieveOAuthScope(id, scopeId)).rejects.toMatchObject({ statusCode: 404 });
  });

  it('find, create, change and delete users; no password comes back', async () => {
    const byEmail = await client.retrieveUserByEmail('TEST@example.com');
    const created = await client.createUser('', {
      user: { email: 'new@example.com', password: 'password', data: { team: 'blue' } },
    });
    const id = created.response.user?.id ?? '';
    const patched = await client.patchUser(id, { user: { firstName: 'New' } });
    await client.deleteUser(id);
    expect(byEmail.response.user).toMatchObject({ id: testUser.id, fullName: 'Test User' });
    expect(JSON.stringify(byEmail.response)).not.toContain('assword');
    expect(patched.response.user).toMatchObject({
      email: 'new@example.com',
      firstName: 'New',
      data: { team: 'blue' },
    });
    await expect(client.retrieveUser(id)).rejects.toMatchObject({ statusCode: 404 });
    await expect(
      client.createUser('', { user: { email: 'no-at-sign', password: 'short' } }),
    ).rejects.toMatchObject({
      exception: { fieldErrors: { 'user.email': [{}], 'user.password': [{}] } },
    });
  });

  it('read, change and delete registrations, and refuse a second or an unknown role', async () => {
    const id = randomUUID();
    await client.createApplication(id, {
      application: { name: 'With roles', roles: [{ name: 'reader', isDefault: true }, { name: 'writer' }] },
    });
    const first = await client.register(testUser.id, { registration: { applicationId: id } });
    expect(first.response.registration?.roles).toEqual(['reader']);
    await expect(client.register(testUser.id, { registration: { applicationId: id } })).rejects.toMatchObject(
      {
        statusCode: 400,
      },
    );
    const changed = await client.patchRegistration(testUser.id, {
      registration: { applicationId: id, roles: ['writer'] },
    });
    expect(changed.response.registration?.roles).toEqual(['writer']);
    await expect(
      client.updateRegistration(testUser.id, { registration: { applicationId: id, roles: ['owner'] } }),
    ).rejects.toMatchObject({ statusCode: 400 });
    await client.deleteRegistration(testUser.id, id);
    await expect(client.retrieveRegistration(testUser.id, id)).rejects.toMatchObject({ statusCode: 404 });
  });

  it('make a theme from FusionAuth’s own, change it, and give it back; that one stays', async () => {
    const own = '75a068fd-e94b-451a-9aeb-3ddb9a3b5987';
    const id = randomUUID();
    const theme = { name: 'Company' };
    await client.createTheme(id, { sourceThemeId: own, theme });
    await client.patchTheme(id, { theme: { stylesheet: 'body {}' } });
    const { response } = await client.retrieveTheme(id);
    const { response: all } = await client.retrieveThemes();
    await expect(client.createTheme('', { theme })).rejects.toMatchObject({
      exception: { fieldErrors: { 'theme.name': [{ code: '[duplicate]theme.name' }] } },
    });
    await expect(
      client.createTheme('', { sourceThemeId: randomUUID(), theme: { name: 'From nothing' } }),
    ).rejects.toMatchObject({ exception: { fieldErrors: { sourceThemeId: [{}] } } });
    await expect(client.patchTheme(own, { theme: { stylesheet: '' } })).rejects.toMatchObject({
      statusCode: 400,
    });
    await client.updateTheme(id, { theme: { name: 'Renamed' } });
    await client.deleteTheme(id);
    expect(response.theme).toMatchObject({ id, name: 'Company', stylesheet: 'body {}' });
    expect(all.themes?.map(({ name }) => name)).toEqual(['FusionAuth', 'Company']);
    await expect(client.retrieveTheme(id)).rejects.toMatchObject({ statusCode: 404 });
  });

  it('take a license, and true and false as texts, as FusionAuth’s example kickstarts send them', async () => {
    const settings = { requireRegistration: 'true', generateRefreshTokens: 'false' };
    const application = { name: 'Texts', oauthConfiguration: settings };
    const { response } = await client.createApplication('', { application } as object);
    expect((await client.activateReactor({ licenseId: 'a' })).statusCode).toBe(200);
    expect(response.application?.oauthConfiguration).toMatchObject({
      requireRegistration: true,
      generateRefreshTokens: false,
    });
    const wrong = { name: 'Wrong', oauthConfiguration: { requireRegistration: 'yes' } };
    await expect(client.createApplication('', { application: wrong } as object)).rejects.toMatchObject({
      statusCode: 400,
    });
  });

  it('read tenants, keys, license, version and health', async () => {
    const tenants = await client.retrieveTenants();
    const keys = await client.retrieveKeys();
    const reactor = await client.retrieveReactorStatus();
    const version = await client.retrieveVersion();
    const status = await fetch(`${emulator.url}/api/status`, {
      headers: { authorization: emulator.apiKey ?? '' },
    });
    expect(tenants.response.tenants).toMatchObject([{ name: 'Default', issuer: emulator.url }]);
    expect(keys.response.keys?.map((key) => key.algorithm)).toEqual(['RS256', 'RS256']);
    expect(JSON.stringify(keys.response)).not.toContain('PRIVATE');
    expect(reactor.response.status).toMatchObject({
      licensed: true,
      advancedOAuthScopesCustomScopes: 'ACTIVE',
    });
    expect(version.response.version).toBe('1.69.0');
    expect(await status.json()).toEqual({ status: 'ok', version: '1.69.0' });
    expect((await fetch(`${emulator.url}/api/health`)).status).toBe(200);
  });

  it('generate keys, also elliptic ones that then sign', async () => {
    const { response } = await client.generateKey('', {
      key: { name: 'Elliptic', algorithm: 'ES256' as never },
    });
    const { response: tenants } = await client.retrieveTenants();
    const tenant = tenants.tenants?.[0];
    await client.patchTenant(tenant?.id ?? '', {
      tenant: { jwtConfiguration: { accessTokenKeyId: response.key?.id ?? '' } },
    });
    const id = randomUUID();
    await client.createApplication(id, guideApplication('Elliptic') as object);
    const tokens = await new SignIn(emulator, id).tokens({ scope: 'openid' });
    const validated = await client.validateJWT(String(tokens['access_token']));
    expect(response.key).toMatchObject({ algorithm: 'ES256', type: 'EC' });
    expect(validated.statusCode).toBe(200);
    await expect(
      client.patchTenant(tenant?.id ?? '', {
        tenant: { jwtConfiguration: { accessTokenKeyId: randomUUID() } },
      }),
    ).rejects.toMatchObject({ statusCode: 400 });
  });
});

describe('introspection and the calls for a device page of one’s own', () => {
  const anonymous = () => new FusionAuthClient('', emulator.url);
  const deviceClient = async (): Promise<string> =>
    registerClient(emulator, {
      enabledGrants: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
    });

  it('introspect an access token, and find no token of client credentials, a grant that is not here', async () => {
    const id = await registerClient(emulator);
    const token = String((await new SignIn(emulator, id).tokens())['access_token']);
    const { response } = await anonymous().introspectAccessToken(id, token);
    const hinted = await anonymous().introspectAccessTokenWithRequest({
      client_id: id,
      token,
      token_type_hint: 'access_token',
    });
    const none = await anonymous().introspectAccessToken(id, 'x');
    expect(response).toMatchObject({ active: true, sub: testUser.id, aud: [id, resource] });
    expect([hinted.response['active'], none.response]).toEqual([true, { active: false }]);
    for (const call of [
      anonymous().introspectClientCredentialsAccessToken(token),
      anonymous().introspectClientCredentialsAccessTokenWithRequest({ token }),
    ]) {
      await expect(call).rejects.toMatchObject({
        statusCode: 400,
        exception: { error: 'invalid_request', error_reason: 'missing_client_id' },
      });
    }
  });

  it('validate, describe and approve a device’s code, and the device gets its token', async () => {
    const client_id = await deviceClient();
    const device = (await anonymous().deviceAuthorizeWithRequest({ client_id, scope: 'openid get_name' }))
      .response;
    const { device_code = '', user_code = '' } = device;
    const token = String((await new SignIn(emulator, client_id).tokens())['access_token']);
    await anonymous().validateDevice(user_code, client_id);
    await anonymous().validateDeviceWithRequest({ client_id, user_code });
    const described = await anonymous().retrieveUserCodeWithRequest({ client_id, user_code });
    const approved = await client.approveDevice(client_id, '', token, user_code);
    const tokens = await answerOf(
      await fetch(`${emulator.url}/oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
          client_id,
          device_code,
        }),
      }),
    );
    expect(described.response).toMatchObject({ client_id, scope: 'get_name', user_code });
    expect(approved.response).toMatchObject({ deviceGrantStatus: 'Approved', userId: testUser.id });
    expect(tokens.body['scope']).toBe('openid get_name');
    await expect(client.approveDeviceWithRequest({ client_id, token, user_code })).rejects.toMatchObject({
      statusCode: 400,
      exception: { error_reason: 'invalid_user_code' },
    });
  });

  it('describe it to an API key, which the client’s own call for that does not send', async () => {
    const { user_code = '' } = (await anonymous().deviceAuthorize(await deviceClient(), '', 'openid'))
      .response;
    await expect(client.retrieveUserCodeUsingAPIKeyWithRequest({ user_code })).rejects.toMatchObject({
      statusCode: 400,
      exception: { error_reason: 'missing_client_id' },
    });
    const raw = await fetch(`${emulator.url}/oauth2/device/user-code`, {
      method: 'POST',
      headers: { authorization: emulator.apiKey ?? '' },
      body: new URLSearchParams({ user_code }),
    });
    expect([raw.status, await raw.json()]).toMatchObject([200, { user_code }]);
  });
});

describe('what the emulator does not have', () => {
  it('says so with 501 and the call’s name', async () => {
    const response = await fetch(`${emulator.url}/api/group`, {
      headers: { authorization: emulator.apiKey ?? '' },
    });
    expect(response.status).toBe(501);
    expect(await response.text()).toContain('GET /api/group');
  });

  it('answers broken JSON with 400', async () => {
    const response = await fetch(`${emulator.url}/api/application`, {
      method: 'POST',
      headers: { authorization: emulator.apiKey ?? '', 'content-type': 'application/json' },
      body: '{"application":',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ generalErrors: [{ code: '[invalidJSON]' }] });
  });
});
