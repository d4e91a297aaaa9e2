import { describe, expect, it } from 'vitest';
import { connectFusionAuth } from '../src/fusionauth.ts';
import { protect, type Protection } from '../src/protect.ts';
import { requireScopes, requireToolScopes } from '../src/scopes/require-scopes.ts';
import { scopedTool } from '../src/scopes/scoped-tool.ts';
import { createMemorySharedState } from '../src/shared-state/memory-shared-state.ts';
import { webhooks } from '../src/webhooks/webhooks.ts';

const good: Protection = { resource: 'https://mcp.example.com/mcp', issuer: 'https://auth.example.com' };

/** What a program in plain JavaScript can do. */
function protectWith(options: Record<string, unknown>): () => unknown {
  return () => protect({ ...good, ...options });
}

describe('what is given to protect', () => {
  it.each([
    ['nothing else', {}],
    ['a FusionAuth at another address', { fusionAuthUrl: 'http://fusionauth:9011' }],
    ['a path of its own', { path: '/' }],
    ['scopes', { requiredScopes: ['weather'], scopesSupported: ['openid', 'a:b'], initialScopes: [] }],
    ['a way to validate', { validation: 'jwks' }],
    ['nonces', { dpop: { mode: 'require', nonceSecret: 'n'.repeat(32) } }],
  ])('may be %s', (_what, options) => {
    expect(protectWith(options)).not.toThrow();
  });

  it.each([
    ['no resource', { resource: undefined }, 'resource cannot be used: it is a full URL'],
    ['a resource without a host', { resource: 'mcp' }, 'resource cannot be used ("mcp"): it is a full URL'],
    ['a resource with a fragment', { resource: 'https://a.example/mcp#x' }, 'it has a fragment'],
    ['an issuer with a password', { issuer: 'https://me:secret@a.example' }, 'would leak'],
    ['a FusionAuth without a scheme', { fusionAuthUrl: 'fusionauth:9011' }, 'fusionAuthUrl cannot be used'],
    ['a path without a slash', { path: 'mcp' }, 'it begins with a slash'],
    [
      'one scope in place of a list',
      { requiredScopes: 'weather' },
      'requiredScopes cannot be used ("weather")',
    ],
    ['scopes in one string', { scopesSupported: ['openid weather'] }, 'it is a list of scopes'],
    ['an unknown way to validate', { validation: 'local' }, 'it is one of auto, jwks, api'],
    ['an unknown DPoP mode', { dpop: { mode: 'required' } }, 'it is one of accept, offer, require'],
  ])('is refused when it is %s', (_what, options, words) => {
    expect(protectWith(options)).toThrow(words);
    expect(protectWith(options)).toThrow(
      expect.objectContaining({
        code: 'unusable-option',
        remedy: expect.stringContaining('your program') as string,
      }),
    );
  });

  it('is refused with the way to mend it when it is the issuer of a new tenant', () => {
    expect(protectWith({ issuer: 'acme.com' })).toThrow(
      expect.objectContaining({ code: 'issuer-not-a-url' }),
    );
  });

  it.each(['', 'too-short'])('is refused as the secret of webhooks when it is short: "%s"', (secret) => {
    const fusionAuth = connectFusionAuth(good.issuer);
    const make = (): unknown => webhooks({ secret, fusionAuth, sharedState: createMemorySharedState() });
    expect(make).toThrow(/^webhooks: secret cannot be used: it has at least 32/u);
  });

  it('is not shown when it is a secret', () => {
    expect(protectWith({ dpop: { nonceSecret: 'too-short' } })).toThrow(/^(?!.*too-short).*at least 32/u);
  });
});

describe('what is given as scopes', () => {
  const loose = requireScopes as (...scopes: unknown[]) => unknown;
  it.each([
    ['none', []],
    ['a list in place of names', [['weather']]],
    ['several in one', ['weather alarms']],
  ])('is refused when it is %s', (_what, scopes) => {
    expect(() => loose(...scopes)).toThrow('requireScopes cannot be used');
    expect(() => scopedTool(...(scopes as [string]))).toThrow('scopedTool cannot be used');
  });

  it('is refused by the name of its tool', () => {
    const tools = { forecast: 'weather' } as unknown as Record<string, string[]>;
    expect(() => requireToolScopes(tools)).toThrow('requireToolScopes: forecast cannot be used ("weather")');
    expect(() => requireToolScopes({ forecast: ['weather'], ping: [] })).not.toThrow();
  });
});
