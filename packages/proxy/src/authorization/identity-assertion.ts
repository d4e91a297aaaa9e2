import { genericGrantRequest, ResponseBodyError, type Configuration } from 'openid-client';
import { errors } from '../errors.ts';
import { detailsOf, explain, resourceParameter } from './token-response.ts';

const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const tokenType = (name: string): string => `urn:ietf:params:oauth:token-type:${name}`;

/**
 * Has the identity provider say that this user may use this server: an ID token for an ID-JAG
 * (draft-ietf-oauth-identity-assertion-authz-grant, section 4.3; RFC 8693).
 *
 * @param facts.audience the issuer of the MCP server's authorization server, exactly
 * @throws ProxyError `assertion-refused` when the ID token may be the reason, `token-request-failed` when it is not
 */
export async function requestIdentityAssertion(
  identityProvider: Configuration,
  facts: { idToken: string; audience: string; resource: string | undefined; scope: string | undefined },
): Promise<string> {
  const { issuer } = identityProvider.serverMetadata();
  try {
    const answer = await genericGrantRequest(identityProvider, tokenExchangeGrant, {
      requested_token_type: tokenType('id-jag'),
      audience: facts.audience,
      ...resourceParameter(facts.resource),
      ...(facts.scope === undefined ? {} : { scope: facts.scope }),
      subject_token: facts.idToken,
      subject_token_type: tokenType('id_token'),
    });
    if (answer['issued_token_type'] !== tokenType('id-jag'))
      throw errors.signInInvalid(issuer, 'what it issued is not an ID-JAG');
    return answer.access_token;
  } catch (error) {
    // RFC 8693, section 2.2.2: invalid_request is what an ID token that has ended leads to.
    if (error instanceof ResponseBodyError && ['invalid_grant', 'invalid_request'].includes(error.error))
      throw errors.assertionRefused(issuer, detailsOf(error), error);
    throw explain(error, issuer);
  }
}
