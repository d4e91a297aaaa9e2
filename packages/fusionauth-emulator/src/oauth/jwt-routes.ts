import type { Request, RequestHandler, Response } from 'express';
import { apiKeyOf } from '../admin/api-key.ts';
import type { Context } from '../context.ts';
import { textOf } from '../json.ts';
import { bearerToken, dpopToken } from './bearer.ts';
import { baseUrl } from './discovery-route.ts';
import { isPresentedRightly } from './dpop/key-binding.ts';
import { offerNonce } from './dpop/nonces.ts';
import { proofAlgorithms, provenKey, supportsDpop } from './dpop/proof.ts';
import { OAuthError } from './oauth-error.ts';
import { findRefreshToken, presentRefreshToken, refreshTokens } from './refresh-tokens.ts';
import { revokeRefreshToken, revokeRefreshTokens } from './revocation.ts';
import { verifyToken } from './tokens.ts';

/** `GET /api/jwt/validate`: signature and expiry, nothing else; any application's token passes. */
export function validateRoute(context: Context): RequestHandler {
  return async (request, response) => {
    response.set('Cache-Control', 'no-store');
    const token = bearerToken(request);
    const claims = token === undefined ? undefined : await verifyToken(context, token);
    if (claims === undefined) response.status(401).end();
    else response.json({ jwt: claims });
  };
}

/** `GET /api/jwt/refresh?userId=`: a user's refresh tokens, without their values. */
export function listRefreshTokensRoute({ store }: Context): RequestHandler {
  return (request, response) => {
    if (apiKeyOf(store, request) === undefined) {
      response.status(401).end();
      return;
    }
    const userId = textOf(request.query['userId']);
    const tokens = refreshTokens(store).filter((token) => token.userId === userId);
    response.json({ refreshTokens: tokens.map((token) => presentRefreshToken(store, token)) });
  };
}

/**
 * `DELETE /api/jwt/refresh?token=…`, `?userId=`, `?applicationId=` or `/api/jwt/refresh/{id}`: with an API key any
 * refresh token, with an access token its owner's, where it is bound to a key with a proof of that. FusionAuth has no RFC
 * 7009 endpoint.
 */
export function revokeRoute(context: Context): RequestHandler<{ id?: string }> {
  const { store } = context;
  return async (request, response) => {
    const caller = await callerOf(context, request, response).catch((error: unknown) => {
      if (!(error instanceof OAuthError)) throw error;
      const { error: code, message } = error;
      response.set(
        'WWW-Authenticate',
        `DPoP error="${code}", error_description="${message}", algs="${proofAlgorithms.join(' ')}"`,
      );
    });
    if (caller === undefined) {
      response.status(401).end();
      return;
    }
    const token = textOf(request.query['token']);
    const userId = textOf(request.query['userId']);
    const applicationId = textOf(request.query['applicationId']);
    const { id } = request.params;
    if (token !== undefined || id !== undefined) {
      const found =
        token === undefined
          ? refreshTokens(store).find((stored) => stored.id === id)
          : findRefreshToken(store, token);
      if (found === undefined || !mayRevoke(caller, found.userId)) {
        response.status(404).end();
        return;
      }
      await revokeRefreshToken(context, found, request);
    } else if (userId === undefined && applicationId === undefined) {
      response.status(400).json({
        generalErrors: [
          {
            code: '[missing]',
            message: 'Say which refresh tokens: by token, id, userId or applicationId.',
          },
        ],
        fieldErrors: {},
      });
      return;
    } else if (!mayRevoke(caller, userId)) {
      response.status(401).end();
      return;
    } else {
      await revokeRefreshTokens(context, { userId, applicationId }, request);
    }
    response.status(200).end();
  };
}

type Caller = { readonly kind: 'api-key' } | { readonly kind: 'user'; readonly userId: string };

/** @throws OAuthError about a proof that does not do */
async function callerOf(
  context: Context,
  request: Request<{ id?: string }>,
  response: Response,
): Promise<Caller | undefined> {
  const { store } = context;
  if (apiKeyOf(store, request) !== undefined) return { kind: 'api-key' };
  const bound = supportsDpop(store) ? dpopToken(request as Request) : undefined;
  const token = bound ?? bearerToken(request as Request);
  const claims = token === undefined ? undefined : await verifyToken(context, token);
  if (claims?.sub === undefined) return undefined;
  if (bound !== undefined) offerNonce(store, response);
  const url = `${baseUrl(request as Request)}${request.path}`;
  const jkt =
    bound === undefined
      ? undefined
      : await provenKey(context, request as Request, { url, accessToken: bound });
  const scheme = bound === undefined ? 'Bearer' : 'DPoP';
  return isPresentedRightly(claims, { scheme, jkt }) ? { kind: 'user', userId: claims.sub } : undefined;
}

function mayRevoke(caller: Caller, userId: string | undefined): boolean {
  return caller.kind === 'api-key' || caller.userId === userId;
}
