import {
  OAuthError,
  OAuthErrorCode,
  verifyBearerToken,
  type AuthInfo,
  type OAuthTokenVerifier,
} from '@modelcontextprotocol/server';
import { messageOf } from '@mcp-keyhole/cli-kit';
import type { Request, RequestHandler, Response } from 'express';
import { wireDescriptions } from './errors.ts';
import type { Log, LogFields } from './log.ts';
import { currentRequest } from './observation/request-context.ts';
import { TokenRefused } from './token-verifier/refusal.ts';

/** What {@link requireBearerToken} checks and advertises. */
export interface BearerAuthentication {
  readonly verifier: OAuthTokenVerifier;
  readonly requiredScopes: readonly string[];
  /** The scopes that a challenge asks the client to request, all in one (RFC 6750, section 3). */
  readonly challengedScopes: readonly string[];
  /** Where the protected resource metadata is (RFC 9728, section 5.1). */
  readonly resourceMetadataUrl: string;
  readonly log: Log;
}

/** Seconds after which a client may try again when FusionAuth could not be asked. */
const retryAfter = 5;

/**
 * Lets a request pass only with a good access token, whose AuthInfo it leaves in `request.auth`.
 *
 * The SDK's own middleware verifies alike, but its challenge can ask only for the scopes that are required, gives an error
 * code where no token was sent, and has 500 where FusionAuth could not be asked.
 */
export function requireBearerToken(options: BearerAuthentication): RequestHandler {
  return async (request: Request & { auth?: AuthInfo }, response, next) => {
    try {
      const token = bearerToken(request.headers.authorization);
      if (token === undefined) {
        // RFC 6750, section 3.1: no error code in the challenge of a request that brought no credentials.
        response.set('WWW-Authenticate', challenge(options));
        response
          .status(401)
          .json(
            new OAuthError(OAuthErrorCode.InvalidToken, wireDescriptions.invalidToken).toResponseObject(),
          );
        return;
      }
      request.auth = await verifyBearerToken(`Bearer ${token}`, {
        verifier: options.verifier,
        requiredScopes: [...options.requiredScopes],
        resourceMetadataUrl: options.resourceMetadataUrl,
      });
    } catch (error) {
      refuse(response, error, options);
      return;
    }
    next();
  };
}

/** The token of an Authorization header; undefined when it has none of the scheme Bearer (RFC 6750, section 2.1). */
function bearerToken(header: string | undefined): string | undefined {
  const [scheme, token, ...surplus] = (header ?? '').trim().split(/\s+/u);
  if (scheme?.toLowerCase() !== 'bearer') return undefined;
  if (token !== undefined && surplus.length === 0) return token;
  throw new OAuthError(OAuthErrorCode.InvalidRequest, wireDescriptions.malformedHeader);
}

function refuse(response: Response, error: unknown, options: BearerAuthentication): void {
  const answer = answerTo(error);
  const entry = { status: answer.status, ...reasonOf(error), ...currentRequest()?.validation };
  if (answer.status >= 500) options.log.error(entry, 'access token not checked');
  else options.log.warn(entry, 'access token refused');
  if (answer.status === 503) response.set('Retry-After', String(retryAfter));
  if (answer.status < 500) {
    response.set('WWW-Authenticate', challenge(options, answer));
  }
  response.status(answer.status).json({ error: answer.error, error_description: answer.description });
}

interface WireAnswer {
  readonly status: number;
  readonly error: string;
  readonly description: string;
}

/** The one place that turns a failure into status, code and sentence (RFC 6750, section 3.1). */
function answerTo(failure: unknown): WireAnswer {
  const error = failure instanceof OAuthError ? failure.code : OAuthErrorCode.ServerError;
  switch (error) {
    case 'invalid_token':
      return { status: 401, error, description: wireDescriptions.invalidToken };
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

function reasonOf(error: unknown): LogFields {
  if (error instanceof TokenRefused) return { ...error.refusal };
  if (error instanceof OAuthError) return { reason: error.code, detail: error.message };
  return { reason: 'unexpected', detail: messageOf(error) };
}

/** A Bearer challenge (RFC 6750, section 3; RFC 9728, section 5.1). */
function challenge(options: BearerAuthentication, answer?: WireAnswer): string {
  const parameters = {
    ...(answer && { error: answer.error, error_description: answer.description }),
    scope: options.challengedScopes.join(' '),
    resource_metadata: options.resourceMetadataUrl,
  };
  const quoted = Object.entries(parameters).map(
    ([name, value]) => `${name}="${value.replaceAll(/["\\]/gu, "'")}"`,
  );
  return `Bearer ${quoted.join(', ')}`;
}
