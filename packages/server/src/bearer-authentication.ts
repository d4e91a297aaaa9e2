import { OAuthError, OAuthErrorCode, verifyBearerToken, type AuthInfo } from '@modelcontextprotocol/server';
import { messageOf } from '@mcp-keyhole/cli-kit';
import type { Request, RequestHandler, Response } from 'express';
import { answerTo, challengeOf, refuse } from './bearer-challenge.ts';
import { callerOf } from './caller.ts';
import { challengeBound } from './dpop/bound-challenge.ts';
import type { Possession, Scheme } from './dpop/possession.ts';
import { wireDescriptions } from './errors.ts';
import type { Log, LogFields } from './log.ts';
import { audit } from './observation/audit.ts';
import type { Observation } from './observation/observation.ts';
import { observeValidation, type ObservedValidation } from './observation/observed-validation.ts';
import { currentRequest } from './observation/request-context.ts';
import { requireSingleCredential } from './single-credential.ts';
import type { StreamsOfTokens } from './streams-of-tokens.ts';
import type { RememberingVerifier } from './token-verifier/cached-token-verifier.ts';
import { TokenRefused } from './token-verifier/refusal.ts';

/** What {@link requireBearerToken} checks and advertises. */
export interface BearerAuthentication {
  readonly verifier: RememberingVerifier;
  /** Told of each request's validation, the proof of a bound token included. */
  readonly observation: Observation;
  /** Whether tokens that are bound to a key come with its proof. */
  readonly possession: Possession;
  /** Told of each answer that begins with a good token. */
  readonly streams: StreamsOfTokens;
  /** The scopes that the challenge of a request without a good token asks for, all in one (RFC 6750, section 3). */
  readonly initialScopes: readonly string[];
  /** Where the protected resource metadata is (RFC 9728, section 5.1). */
  readonly resourceMetadataUrl: string;
}

/**
 * Lets a request pass only with a good access token, whose AuthInfo it leaves in `request.auth`.
 *
 * The SDK's own middleware verifies alike, but its challenge can ask only for the scopes that are required, gives an error
 * code where no token was sent, and has 500 where FusionAuth could not be asked.
 */
export function requireBearerToken(options: BearerAuthentication): RequestHandler {
  const { verifier, observation, possession, streams, resourceMetadataUrl } = options;
  const { log } = observation;
  const parts = { scopes: options.initialScopes, resourceMetadataUrl };

  /** RFC 6750, section 3.1: no error code in the challenge of a request that brought no credentials. */
  function askForToken(response: Response): void {
    const body = new OAuthError(
      OAuthErrorCode.InvalidToken,
      wireDescriptions.invalidToken,
    ).toResponseObject();
    response.set('WWW-Authenticate', challengeOf({ ...parts, schemes: possession.schemes(undefined) }));
    response.status(401).json(body);
  }

  /** The proof is for one request, however well the token is known. */
  async function verify(token: string, prove: (authInfo: AuthInfo) => Proving): Promise<AuthInfo> {
    const authInfo = await verifyBearerToken(`Bearer ${token}`, { verifier, resourceMetadataUrl });
    await prove(authInfo);
    return authInfo;
  }

  /** @returns no promise for a known token that needs no proof, which is what most requests bring */
  function validate(token: string, prove: (authInfo: AuthInfo) => Proving): AuthInfo | Promise<AuthInfo> {
    const known = verifier.known?.(token);
    if (known === undefined) return verify(token, prove);
    return prove(known)?.then(() => known) ?? known;
  }

  return (request: Request & { auth?: AuthInfo }, response, next) => {
    const { scheme, token } = credentialsOf(request.headers.authorization);
    let validation: ObservedValidation | undefined;
    const refused = (error: unknown): void => {
      validation?.refused(error);
      const answer = answerTo(error);
      const entry = { status: answer.status, ...reasonOf(error), ...currentRequest()?.validation };
      if (answer.status >= 500) log.error(entry, 'access token not checked');
      else log.warn(entry, 'access token refused');
      refuse(response, answer, { ...parts, schemes: possession.schemes(scheme, error) });
    };
    const accepted = (authInfo: AuthInfo): void => {
      validation?.accepted(authInfo);
      request.auth = authInfo;
      if (scheme === 'DPoP') challengeBound(response);
      streams.track(response, authInfo);
      response.once('finish', () => noteLackingScope(authInfo, response, log));
      next();
    };
    let validated: AuthInfo | Promise<AuthInfo>;
    try {
      requireSingleCredential(request);
      if (scheme === undefined) {
        askForToken(response);
        return;
      }
      if (token === undefined) {
        throw new OAuthError(OAuthErrorCode.InvalidRequest, wireDescriptions.malformedHeader);
      }
      validation = observeValidation(observation);
      validated = validate(token, (authInfo) => possession.check(request, response, scheme, authInfo));
    } catch (error) {
      refused(error);
      return;
    }
    if (validated instanceof Promise) return validated.then(accepted, refused);
    accepted(validated);
    return undefined;
  };
}

/** Undefined unless there is a proof to wait for. */
type Proving = ReturnType<Possession['check']>;

/** What an Authorization header says. */
interface Credentials {
  /** Undefined for one that brings no token. */
  readonly scheme: Scheme | undefined;
  /** Undefined unless it is one word. */
  readonly token: string | undefined;
}

/** Whether there is white space within, as a header may have it (RFC 9110, section 5.5). */
const isSeveralWords = (text: string): boolean => text.includes(' ') || text.includes('\t');

/** The scheme may be written in any case (RFC 9110, section 11.1). */
function credentialsOf(header = ''): Credentials {
  const text = header.trim();
  // Not split(), which would look at each letter of the token.
  const end = text.search(/[ \t]/u);
  const word = (end < 0 ? text : text.slice(0, end)).toLowerCase();
  const token = end < 0 ? '' : text.slice(end).trim();
  const scheme = (['Bearer', 'DPoP'] as const).find((one) => one.toLowerCase() === word);
  return { scheme, token: token === '' || isSeveralWords(token) ? undefined : token };
}

/** A tool or a route that the token's scopes do not cover is refused behind the authentication, whoever declared them. */
function noteLackingScope(authInfo: AuthInfo, response: Response, log: Log): void {
  if (response.statusCode !== 403) return;
  const challenge = response.getHeader('www-authenticate');
  if (challenge === undefined) return;
  const challenged = /\bscope="(?<scope>[^"]*)"/u.exec(String(challenge))?.groups?.['scope'];
  const caller = callerOf(authInfo);
  const { refusedTool: tool, address } = currentRequest() ?? {};
  const reason = OAuthErrorCode.InsufficientScope;
  log.warn({ status: 403, reason, ...caller, challenged, tool }, 'access token refused');
  if (tool !== undefined) audit(log, { tool, caller, address, outcome: reason });
}

function reasonOf(error: unknown): LogFields {
  if (error instanceof TokenRefused) return { ...error.refusal };
  if (error instanceof OAuthError) return { reason: error.code, detail: error.message };
  return { reason: 'unexpected', detail: messageOf(error) };
}
