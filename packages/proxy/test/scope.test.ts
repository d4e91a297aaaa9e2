import { describe, expect, it } from 'vitest';
import { scopeToRequest } from '../src/authorization/scope.ts';
import type { Discovery, RegisteredClient } from '../src/authorization/types.ts';

const discovery = (scopesSupported?: readonly string[], offered?: string[]): Discovery => ({
  resource: 'https://mcp.example.com/mcp',
  scopesSupported,
  authorizationServer: {
    issuer: 'https://login.example.com',
    ...(offered === undefined ? {} : { scopes_supported: offered }),
  },
});
const client: RegisteredClient = { clientId: 'client-1' };
const offline = ['openid', 'offline_access'];

describe('the scope', () => {
  it.each([
    ['what the client was registered with, exactly', { scope: 'a b' }, { scope: 'c' }, ['d'], offline, 'a b'],
    ['what the challenge names', {}, { scope: 'c d' }, ['e'], [], 'c d'],
    [
      'what the challenge names, with offline_access where it is offered',
      {},
      { scope: 'c' },
      ['e'],
      offline,
      'c offline_access',
    ],
    ['offline_access once', {}, { scope: 'offline_access  c' }, undefined, offline, 'offline_access c'],
    ['all that the resource supports, without a challenge', {}, {}, ['e', 'f'], [], 'e f'],
    ['all that the resource supports, with offline_access', {}, {}, ['e'], offline, 'e offline_access'],
    ['left out when nobody names one', {}, {}, undefined, offline, undefined],
    ['left out when the resource supports none', {}, {}, [], offline, undefined],
    ['left out when the challenge is empty', {}, { scope: '' }, ['e'], offline, undefined],
  ] as const)('is %s', (_what, registration, challenge, supported, offered, scope) => {
    const facts = discovery(supported, [...offered]);
    expect(scopeToRequest(facts, { ...client, ...registration }, challenge)).toBe(scope);
  });

  it('is asked for without offline_access when the authorization server says nothing of scopes', () => {
    expect(scopeToRequest(discovery(['e']), client, {})).toBe('e');
  });
});

describe('the scope of a step-up', () => {
  const stepUp = { stepUp: true, scope: 'c d', alreadyRequested: 'a c' };

  it('is the union of what was asked for and what is challenged, each once, in that order', () => {
    expect(scopeToRequest(discovery(['e']), client, stepUp)).toBe('a c d');
  });

  it('has offline_access once, where the authorization server offers it', () => {
    const before = { ...stepUp, alreadyRequested: 'a offline_access' };
    expect(scopeToRequest(discovery(['e'], offline), client, before)).toBe('a offline_access c d');
    expect(scopeToRequest(discovery(['e'], offline), client, stepUp)).toBe('a c d offline_access');
  });

  it('is what is challenged when nothing had been asked for', () => {
    expect(scopeToRequest(discovery(), client, { stepUp: true, scope: 'c' })).toBe('c');
  });

  it('adds to the scope that the client was registered with, which a 401 does not', () => {
    const pinned = { ...client, scope: 'a b' };
    expect(scopeToRequest(discovery(['e'], offline), pinned, stepUp)).toBe('a b c d');
    expect(scopeToRequest(discovery(['e'], offline), pinned, { scope: 'c d' })).toBe('a b');
  });
});
