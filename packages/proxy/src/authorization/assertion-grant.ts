import { genericGrantRequest, ResponseBodyError, type Configuration, type DPoPOptions } from 'openid-client';
import { errors } from '../errors.ts';
import type { TokenSet } from '../token-store/token-store.ts';
import { detailsOf, explain, resourceParameter, toTokenSet } from './token-response.ts';

export const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/**
 * The JWT bearer grant (RFC 7523, section 2.1): somebody whom the authorization server trusts says in the assertion who we
 * are. Nothing else is tried when it is refused.
 *
 * @throws ProxyError `assertion-refused`; `token-request-failed` and the others of a token request
 */
export async function requestByAssertion(
  oauthClient: Configuration,
  facts: {
    assertion: string;
    resource: string | undefined;
    scope: string | undefined;
    proofs: DPoPOptions;
    now: () => number;
  },
): Promise<TokenSet> {
  const { issuer } = oauthClient.serverMetadata();
  try {
    const parameters = {
      assertion: facts.assertion,
      ...resourceParameter(facts.resource),
      ...(facts.scope === undefined ? {} : { scope: facts.scope }),
    };
    const answer = await genericGrantRequest(oauthClient, jwtBearerGrant, parameters, facts.proofs);
    return toTokenSet(answer, { issuer, resource: facts.resource, requestedScope: facts.scope }, facts.now());
  } catch (error) {
    if (error instanceof ResponseBodyError && error.error === 'invalid_grant')
      throw errors.assertionRefused(issuer, detailsOf(error), error);
    throw explain(error, issuer);
  }
}
