import type { AuthorizationContext, Identity } from './authorization/context.ts';
import { BearerToken, type BearerTokenContext } from './bearer-token.ts';
import { errors } from './errors.ts';

/** What a sign-in at the identity provider is kept with. */
type Keeping = Pick<BearerTokenContext, 'key' | 'openStore' | 'mayBeSignedIn' | 'pending'>;

/**
 * The user's identity at the company's identity provider: an ID token that something else provides, or a sign-in of its own
 * in the token store, which serves all MCP servers of that provider and is renewed like any other.
 */
export function openIdentity(context: AuthorizationContext, keeping: Keeping): Identity {
  const { identityToken, identityProvider = '', signInTimeout } = context.config;
  if (identityToken !== undefined) {
    const read = (): Promise<string> => context.readCredential(identityToken, 'ID token');
    return { current: read, renewed: read };
  }
  const road = () => import('./authorization/identity-provider.ts');
  const bearer = new BearerToken({
    ...context,
    ...keeping,
    server: new URL(identityProvider),
    signInTimeout,
    useIdToken: true,
    authorizer: {
      authorize: async () => (await road()).signInAtIdentityProvider(context),
      refresh: async (tokens) => (await road()).refreshAtIdentityProvider(tokens, context),
    },
  });
  const renewed = async (refused: string | undefined): Promise<string> => {
    await bearer.onUnauthorized(refused, {});
    const token = await bearer.token();
    if (token === undefined) throw errors.idTokenMissing(identityProvider);
    return token;
  };
  return { current: async () => (await bearer.token()) ?? renewed(undefined), renewed };
}
