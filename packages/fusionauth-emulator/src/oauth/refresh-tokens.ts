import { createHash } from 'node:crypto';
import type { AdapterPayload } from 'oidc-provider';
import type { JsonObject } from '../json.ts';
import type { Store } from '../store/store.ts';
import type { JwtConfiguration } from '../store/types.ts';

/** A refresh token that can be used. */
export interface StoredRefreshToken {
  /** FusionAuth's id of it, for revocation. */
  readonly id: string;
  readonly token: string;
  readonly applicationId: string;
  readonly userId: string;
  readonly grantId: string;
  /** Seconds since the epoch of its first issue. */
  readonly issuedAt: number;
  /** Seconds since the epoch when it was used up, under OneTimeUse. */
  readonly consumedAt: number | undefined;
}

/** A stable UUID for something that has an id of another shape. */
export function uuidFor(value: string): string {
  const hex = createHash('sha256').update(value).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

export function refreshTokens(store: Store): StoredRefreshToken[] {
  return store.engine.all('RefreshToken').map(([token, payload]) => describe(token, payload));
}

export function findRefreshToken(store: Store, token: string): StoredRefreshToken | undefined {
  const payload = store.engine.get('RefreshToken', token);
  return payload === undefined ? undefined : describe(token, payload);
}

/** A refresh token as the API shows it: without its value. */
export function presentRefreshToken(store: Store, token: StoredRefreshToken): JsonObject {
  const authorization = store.authorizations.get(token.grantId);
  return {
    id: token.id,
    applicationId: token.applicationId,
    userId: token.userId,
    tenantId: store.tenant.id,
    insertInstant: token.issuedAt * 1_000,
    startInstant: token.issuedAt * 1_000,
    metaData: { scopes: authorization?.scopes, resources: authorization?.resources },
  };
}

/** Seconds that a refresh token lives from now, by the tenant's expiration policy. */
export function refreshTokenLifetime(
  settings: JwtConfiguration,
  predecessor: { issuedAt: number; remaining: number } | undefined,
): number {
  const full = settings.refreshTokenTimeToLiveInMinutes * 60;
  if (predecessor === undefined) return full;
  const { maximumTimeToLiveInMinutes } = settings.refreshTokenSlidingWindowConfiguration;
  const age = Math.floor(Date.now() / 1_000) - predecessor.issuedAt;
  switch (settings.refreshTokenExpirationPolicy) {
    case 'Fixed':
      return Math.max(1, predecessor.remaining);
    case 'SlidingWindow':
      return full;
    case 'SlidingWindowWithMaximumLifetime':
      return Math.max(1, Math.min(full, maximumTimeToLiveInMinutes * 60 - age));
  }
}

/** Under a sliding window, use of a reusable refresh token moves its end. */
export function extendRefreshToken(store: Store, settings: JwtConfiguration, token: string): void {
  const payload = store.engine.get('RefreshToken', token);
  if (payload?.exp === undefined || settings.refreshTokenExpirationPolicy === 'Fixed') return;
  const now = Math.floor(Date.now() / 1_000);
  const lifetime = refreshTokenLifetime(settings, {
    issuedAt: payload.iiat ?? now,
    remaining: payload.exp - now,
  });
  store.engine.set('RefreshToken', token, { ...payload, exp: now + lifetime }, lifetime);
}

function describe(token: string, payload: AdapterPayload): StoredRefreshToken {
  return {
    id: uuidFor(token),
    token,
    applicationId: payload.clientId ?? '',
    userId: payload.accountId ?? '',
    grantId: payload.grantId ?? '',
    issuedAt: payload.iiat ?? payload.iat ?? 0,
    consumedAt: typeof payload.consumed === 'number' ? payload.consumed : undefined,
  };
}
