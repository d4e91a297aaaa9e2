import { OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server';
import type { Response } from 'express';
import type { Scheme } from './dpop/possession.ts';
import { wireDescriptions } from './errors.ts';
import { publicKeyAlgorithms } from './token-verifier/unverified-token.ts';

/** What a refused request learns. */
export interface WireAnswer {
  readonly status: number;
  readonly error: string;
  readonly description: string;
}

/** What a challenge tells a client about how to get a better token. */
export interface ChallengeParts {
  /** The scopes to request, all in one challenge (RFC 6750, section 3). */
  readonly scopes: readonly string[];
  /** Where the protected resource metadata is (RFC 9728, section 5.1). */
  readonly resourceMetadataUrl: string | undefined;
  /** How the token is to be presented; the first explains all, a further one only names itself. Default: Bearer. */
  readonly schemes?: readonly [Scheme, ...Scheme[]] | undefined;
}

/** Seconds after which a client may try again when FusionAuth could not be asked. */
const retryAfter = 5;

/** What proofs may be signed with. */
const algorithms = `algs="${publicKeyAlgorithms.join(' ')}"`;

/** The one place that turns a failure into status, code and sentence (RFC 6750, section 3.1). */
export function answerTo(failure: unknown): WireAnswer {
  const error = failure instanceof OAuthError ? failure.code : OAuthErrorCode.ServerError;
  switch (error) {
    case 'invalid_token':
      return { status: 401, error, description: wireDescriptions.invalidToken };
    case 'invalid_dpop_proof':
      return { status: 401, error, description: wireDescriptions.invalidProof };
    case 'use_dpop_nonce':
      return { status: 401, error, description: wireDescriptions.nonceNeeded };
    case 'insufficient_scope':
      return { status: 403, error, description: wireDescriptions.insufficientScope };
    case 'invalid_request':
      return { status: 400, error, description: wireDescriptions.malformedHeader };
    case 'temporarily_unavailable':
      return { status: 503, error, description: wireDescriptions.unavailable };
    default:
      return { status: 500, error: 'server_error', description: wireDescriptions.internal };
  }
}

/** Sends an answer, with a challenge where a better token would help and a time where patience does. */
export function refuse(response: Response, answer: WireAnswer, parts: ChallengeParts): void {
  if (answer.status === 503) response.set('Retry-After', String(retryAfter));
  if (answer.status < 500) response.set('WWW-Authenticate', challengeOf(parts, answer));
  response.status(answer.status).json({ error: answer.error, error_description: answer.description });
}

/** The same challenge for a token that is bound to a key; one that is by DPoP already stays as it is. */
export function challengeByDpop(challenge: string): string {
  return challenge.startsWith('Bearer ')
    ? `DPoP ${challenge.slice('Bearer '.length)}, ${algorithms}`
    : challenge;
}

/** A challenge, by Bearer or DPoP (RFC 6750, section 3; RFC 9728, section 5.1; RFC 9449, section 7.1). */
export function challengeOf(parts: ChallengeParts, answer?: WireAnswer): string {
  const parameters = {
    ...(answer && { error: answer.error, error_description: answer.description }),
    ...(parts.scopes.length > 0 && { scope: parts.scopes.join(' ') }),
    ...(parts.resourceMetadataUrl !== undefined && { resource_metadata: parts.resourceMetadataUrl }),
  };
  const quoted = Object.entries(parameters).map(
    ([name, value]) => `${name}="${value.replaceAll(/["\\]/gu, "'")}"`,
  );
  const [first, ...others] = parts.schemes ?? ['Bearer'];
  const own = [...quoted, ...(first === 'DPoP' ? [algorithms] : [])].join(', ');
  return [`${first} ${own}`, ...others.map((scheme) => `${scheme} ${algorithms}`)].join(', ');
}
