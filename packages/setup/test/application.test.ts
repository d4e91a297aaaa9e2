import { describe, expect, it } from 'vitest';
import { applicationOf, applicationScopeOf, descriptionOf, markerOf } from '../src/clients/application.ts';
import {
  redirectUrls,
  resourceOf,
  scopeNamed,
  scopeText,
  toolScopes,
  type ClientDescription,
} from '../src/clients/client.ts';
import { planClient } from '../src/clients/client-plan.ts';

const client: ClientDescription = {
  name: 'Cursor',
  redirectUrls: redirectUrls(3335),
  resources: [resourceOf('https://mcp.example.com')],
  scopes: [scopeNamed('get_name')],
  confidential: false,
};

describe('the application of an MCP client', () => {
  it('is a third party with PKCE whose refresh needs no secret', () => {
    expect(applicationOf(client, {})).toEqual({
      name: 'Cursor',
      data: { mcpKeyhole: {} },
      oauthConfiguration: {
        authorizedRedirectURLs: [
          'http://localhost:3335/oauth/callback',
          'http://127.0.0.1:3335/oauth/callback',
          'http://localhost:3335/callback',
          'http://127.0.0.1:3335/callback',
        ],
        authorizedResourceUris: ['https://mcp.example.com/mcp'],
        authorizedURLValidationPolicy: 'ExactMatch',
        clientAuthenticationPolicy: 'NotRequired',
        proofKeyForCodeExchangePolicy: 'Required',
        enabledGrants: ['authorization_code', 'refresh_token'],
        generateRefreshTokens: true,
        relationship: 'ThirdParty',
        scopeHandlingPolicy: 'Strict',
      },
    });
  });

  it('authenticates itself where it can keep a secret', () => {
    expect(applicationOf({ ...client, confidential: true }, {}).oauthConfiguration).toMatchObject({
      clientAuthenticationPolicy: 'Required',
      proofKeyForCodeExchangePolicy: 'Required',
    });
  });

  it("has the guide's scope with its texts", () => {
    expect(applicationScopeOf(scopeNamed('get_name'))).toEqual({
      name: 'get_name',
      description: "Access the get_name tool to retrieve the authenticated user's name",
      defaultConsentMessage: 'Allow this application to read your name',
      defaultConsentDetail: 'This will share your display name with the requesting application.',
      required: true,
    });
  });

  it('has texts of its own for the scope of each tool of our server, and some for any other', () => {
    expect(new Set(toolScopes.map(({ consentMessage }) => consentMessage)).size).toBe(3);
    for (const scope of toolScopes) expect(scopeNamed(scope.name)).toBe(scope);
    expect(scopeNamed('weather')).toMatchObject({
      consentMessage: 'Allow this application to use weather',
      required: true,
    });
  });

  it('has a host ask at first for all but the scopes that a tool of our server leads it to', () => {
    const scopes = ['countdown', 'get_name', 'weather', 'set_greeting'].map(scopeNamed);
    expect(scopeText({ scopes })).toBe('openid profile offline_access get_name weather');
  });

  it('is ours by its marker, whatever else is in its data', () => {
    expect(markerOf({ data: { mcpKeyhole: { set: 'default', owner: 'u', more: 1 } } })).toEqual({
      set: 'default',
      owner: 'u',
    });
    for (const data of [{}, { mcpKeyhole: null }, { mcpKeyhole: [] }, { mcpKeyhole: true }, { other: {} }]) {
      expect(markerOf({ data })).toBeUndefined();
    }
    expect(markerOf({})).toBeUndefined();
  });
});

describe('the plan for a client', () => {
  const there = {
    ...applicationOf(client, { set: 'default' }),
    id: 'the-id',
    active: true,
    scopes: [{ ...applicationScopeOf(scopeNamed('get_name')), id: 'scope-id', data: {} }],
  };

  it('creates what is not there', () => {
    expect(planClient(client, {}, undefined)).toMatchObject({
      action: 'create',
      application: { name: 'Cursor' },
      newSecret: false,
      scopes: { create: [{ name: 'get_name' }], change: [], remove: [] },
    });
  });

  it('leaves what is as it shall be, in whatever order, and with what somebody has added beside it', () => {
    const { oauthConfiguration: oauth } = there;
    const same = {
      ...there,
      roles: [{ name: 'admin' }],
      oauthConfiguration: {
        ...oauth,
        clientId: 'the-id',
        authorizedRedirectURLs: [...client.redirectUrls].reverse(),
        enabledGrants: [...(oauth?.enabledGrants ?? []), 'device_code' as never],
      },
    };
    const plan = planClient(client, { set: 'default' }, same);
    expect(plan).toMatchObject({ action: 'leave', clientId: 'the-id', says: [], application: undefined });
    expect(planClient(descriptionOf(same), {}, same).action).toBe('leave');
  });

  it('changes what differs, and nothing else', () => {
    const plan = planClient(
      {
        ...client,
        resources: ['https://other.example/mcp'],
        confidential: true,
        scopes: [scopeNamed('write')],
      },
      { set: 'team' },
      { ...there, active: false },
    );
    expect(plan).toMatchObject({ action: 'change', reactivate: true, newSecret: true });
    expect(plan.says).toEqual([
      'active: no → yes',
      'set: default → team',
      'authorizedResourceUris: + https://other.example/mcp, − https://mcp.example.com/mcp',
      'clientAuthenticationPolicy: NotRequired → Required',
      'scopes: + write, − get_name',
    ]);
    expect(plan.application).toEqual({
      data: { mcpKeyhole: { set: 'team' } },
      oauthConfiguration: {
        authorizedResourceUris: ['https://other.example/mcp'],
        clientAuthenticationPolicy: 'Required',
      },
    });
    expect(plan.scopes.remove).toMatchObject([{ id: 'scope-id' }]);
  });

  it('keeps the grants that somebody has enabled when it adds one', () => {
    const grants = ['authorization_code', 'device_code'] as never[];
    const before = { ...there, oauthConfiguration: { ...there.oauthConfiguration, enabledGrants: grants } };
    expect(planClient(client, {}, before)).toMatchObject({
      says: ['enabledGrants: + refresh_token'],
      application: {
        oauthConfiguration: { enabledGrants: ['authorization_code', 'device_code', 'refresh_token'] },
      },
    });
  });

  it('takes over what was made elsewhere, and keeps whose it is', () => {
    const foreign = { ...there, data: { other: 1 } };
    expect(planClient(client, {}, foreign)).toMatchObject({
      action: 'change',
      says: ['marked as made by this tool'],
      application: { data: { mcpKeyhole: {} } },
    });
    const owned = { ...there, data: { mcpKeyhole: { owner: 'u' } } };
    expect(planClient(client, { set: 'default' }, owned).application?.data).toEqual({
      mcpKeyhole: { owner: 'u', set: 'default' },
    });
  });

  it('changes the texts of a scope under its id', () => {
    const scopes = [{ ...scopeNamed('get_name'), consentMessage: 'Another message' }];
    expect(planClient({ ...client, scopes }, {}, there)).toMatchObject({
      says: ['scopes: texts of get_name'],
      scopes: { change: [{ id: 'scope-id', defaultConsentMessage: 'Another message' }] },
    });
  });
});
