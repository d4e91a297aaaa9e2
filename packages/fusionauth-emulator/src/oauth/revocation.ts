import type { Request } from 'express';
import { presentUser } from '../admin/user-body.ts';
import type { Context } from '../context.ts';
import { jwtConfigurationOf, type Store } from '../store/store.ts';
import { presentRefreshToken, refreshTokens, type StoredRefreshToken } from './refresh-tokens.ts';

type Revoker = Pick<Context, 'store' | 'events'>;

/** Ends one refresh token and tells the webhooks. @throws ApiError 504 when they prevent it */
export async function revokeRefreshToken(
  { store, events }: Revoker,
  token: StoredRefreshToken,
  request?: Pick<Request, 'get' | 'ip'>,
): Promise<void> {
  const user = store.users.get(token.userId);
  const fields = {
    applicationId: token.applicationId,
    applicationTimeToLiveInSeconds: lifetimes(store, [token.applicationId]),
    refreshToken: presentRefreshToken(store, token),
    ...(user === undefined ? {} : { user: presentUser(user) }),
    userId: token.userId,
  };
  await events.publish('jwt.refresh-token.revoke', fields, request);
  store.engine.delete('RefreshToken', token.token);
}

/**
 * Ends every refresh token of a user, of an application, or of a user with an application, and tells the webhooks. (Of a
 * user without any there is nothing to tell.)
 *
 * @throws ApiError 504 when they prevent it
 */
export async function revokeRefreshTokens(
  { store, events }: Revoker,
  filter: { userId?: string | undefined; applicationId?: string | undefined },
  request?: Pick<Request, 'get' | 'ip'>,
): Promise<void> {
  const { userId, applicationId } = filter;
  const tokens = refreshTokens(store).filter(
    (token) =>
      (userId === undefined || token.userId === userId) &&
      (applicationId === undefined || token.applicationId === applicationId),
  );
  if (tokens.length > 0 || applicationId !== undefined) {
    const user = store.users.get(userId ?? '');
    const concerned =
      applicationId === undefined ? tokens.map((token) => token.applicationId) : [applicationId];
    const fields = {
      ...(applicationId === undefined ? {} : { applicationId }),
      applicationTimeToLiveInSeconds: lifetimes(store, concerned),
      ...(user === undefined ? {} : { user: presentUser(user) }),
      ...(userId === undefined ? {} : { userId }),
    };
    await events.publish('jwt.refresh-token.revoke', fields, request);
  }
  for (const { token } of tokens) store.engine.delete('RefreshToken', token);
}

/** Ends the SSO sessions of a user in every browser. */
export function endSessions(store: Store, userId: string): void {
  for (const [id, session] of store.engine.all('Session')) {
    if (session.accountId === userId) store.engine.delete('Session', id);
  }
}

/** By application id, for how long an access token may still be about. */
function lifetimes(store: Store, applicationIds: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    [...new Set(applicationIds)].flatMap((id) => {
      const application = store.applications.get(id);
      return application === undefined
        ? []
        : [[id, jwtConfigurationOf(store, application).timeToLiveInSeconds]];
    }),
  );
}
