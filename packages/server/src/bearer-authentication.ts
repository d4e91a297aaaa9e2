import {
  OAuthError,
  OAuthErrorCode,
  verifyBearerToken,
  type AuthInfo,
  type OAuthTokenVerifier,
} from '@modelcontextprotocol/server';
import { messageOf } from '@mcp-keyhole/cli-kit';
import type { Request, RequestHandler, Response } from 'express';
import { answerTo, bearerChallenge, refuse } from './bearer-challenge.ts';
import { callerOf } from './caller.ts';
import { wireDescriptions } from './errors.ts';
import type { Log, LogFields } from './log.ts';
import { audit } from './observation/audit.ts';
import { currentRequest } from './observation/request-context.ts';
import { requireSingleCredential } from './single-credential.ts';
import { TokenRefused } from './token-verifier/refusal.ts';

/** What {@link requireBearerToken} checks and advertises. */
export interface BearerAuthentication {
  readonly verifier: OAuthTokenVerifier;
  /** The scopes that the challenge of a request without a good token asks for, all in one (RFC 6750, section 3). */
  readonly initialScopes: readonly string[];
  /** Where the protected resource metadata is (RFC 9728, section 5.1). */
  readonly resourceMetadataUrl: string;
  readonly log: Log;
}

/**
 * Lets a request pass only with a good access token, whose AuthInfo it leaves in `request.auth`.
 *
 * The SDK's own middleware verifies alike, but its challenge can ask only for the scopes that are required, gives an error
 * code where no token was sent, and has 500 where FusionAuth could not be asked.
 */
export function requireBearerToken(options: BearerAuthentication): RequestHandler {
  const { verifier, resourceMetadataUrl, log } = options;
  const parts = { scopes: options.initialScopes, resourceMetadataUrl };
  return async (request: Request & { auth?: AuthInfo }, response, next) => {
    try {
      requireSingleCredential(request);
      const token = bearerToken(request.headers.authorization);
      if (token === undefined) {
        // RFC 6750, section 3.1: no error code in the challenge of a request that brought no credentials.
        response.set('WWW-Authenticate', bearerChallenge(parts));
        response
          .status(401)
          .json(
            new OAuthError(OAuthErrorCode.InvalidToken, wireDescriptions.invalidToken).toResponseObject(),
          );
        return;
      }
      request.auth = await verifyBearerToken(`Bearer ${token}`, { verifier, resourceMetadataUrl });
    } catch (error) {
      const answer = answerTo(error);
      const entry = { status: answer.status, ...reasonOf(error), ...currentRequest()?.validation };
      if (answer.status >= 500) log.error(entry, 'access token not checked');
      else log.warn(entry, 'access token refused');
      refuse(response, answer, parts);
      return;
    }
    response.once('finish', () => noteLackingScope(request.auth, response, log));
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

/** A tool or a route that the token's scopes do not cover is refused behind the authentication, whoever declared them. */
function noteLackingScope(authInfo: AuthInfo | undefined, response: Response, log: Log): void {
  const challenge = response.getHeader('www-authenticate');
  if (response.statusCode !== 403 || challenge === undefined) return;
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
