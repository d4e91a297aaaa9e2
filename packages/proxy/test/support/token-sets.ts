import type { SignInKey, TokenSet } from '../../src/token-store/token-store.ts';

export const key: SignInKey = {
  server: 'https://mcp.example.com/mcp',
  clientId: 'client-1',
  profile: 'default',
};

/** A token set with every field, changed as told. */
export function tokenSet(changes: Partial<TokenSet> = {}): TokenSet {
  return {
    accessToken: 'access-1',
    refreshToken: 'refresh-1',
    expiresAt: 1_900_000_000_000,
    scope: 'openid offline_access',
    issuer: 'https://login.example.com',
    resource: 'https://mcp.example.com/mcp',
    ...changes,
  };
}
