import type { ServerMetadata } from 'openid-client';
import { errors } from '../errors.ts';
import type { TokenSet } from '../token-store/token-store.ts';
import { refreshTokens } from './authorize.ts';
import { atIdentityProvider, networkTools, type AuthorizationContext, type GrantFacts } from './context.ts';
import { discoverAuthorizationServer } from './discovery.ts';
import { inTheBrowser, onAnotherDevice } from './user-grants.ts';

/** Without these there is no ID token, or a new sign-in each time it ends. */
const usualScope = 'openid offline_access';

/** Signs the user in at the company's identity provider. The token set ends when its ID token does. */
export async function signInAtIdentityProvider(server: AuthorizationContext): Promise<TokenSet> {
  const context = atIdentityProvider(server);
  const { client, identityProvider: issuer = '', deviceCode } = context.config;
  if (client === undefined) throw errors.clientNotRegistered(issuer);
  const tools = networkTools(context);
  const facts: GrantFacts = {
    plan: { kind: 'pre-registered', client: { ...client, scope: client.scope ?? usualScope } },
    discovery: {
      resource: undefined,
      authorizationServer: withPkce(await discoverAuthorizationServer(issuer, tools)),
    },
    wanted: {},
    tools,
  };
  const tokens = await (deviceCode ? onAnotherDevice(facts, context) : inTheBrowser(facts, context));
  context.log.info(`signed in to ${issuer}`);
  return untilIdTokenEnds(tokens);
}

/** Refreshes there; undefined when only a new sign-in helps. */
export async function refreshAtIdentityProvider(
  tokens: TokenSet,
  context: AuthorizationContext,
): Promise<TokenSet | undefined> {
  const renewed = await refreshTokens(tokens, atIdentityProvider(context));
  // OpenID Connect Core, section 12.2: a refresh need not bring an ID token, and the old one has ended.
  return renewed === undefined || renewed.idToken === tokens.idToken ? undefined : untilIdTokenEnds(renewed);
}

/** PKCE is used in any case; providers that do not announce it ignore it (RFC 7636, section 5). */
function withPkce(metadata: ServerMetadata): ServerMetadata {
  return metadata.code_challenge_methods_supported === undefined
    ? { ...metadata, code_challenge_methods_supported: ['S256'] }
    : metadata;
}

function untilIdTokenEnds(tokens: TokenSet): TokenSet {
  const [, claims = ''] = tokens.idToken?.split('.') ?? [];
  let end: unknown;
  try {
    end = (JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { exp?: unknown }).exp;
  } catch {
    // Whoever gets it says whether it is good.
  }
  return { ...tokens, expiresAt: typeof end === 'number' ? end * 1_000 : undefined };
}
