import { randomBytes, randomInt } from 'node:crypto';
import { objectOf, textOf, textsOf } from '../json.ts';
import type { Store } from '../store/store.ts';

/** RFC 8628 section 3.2: seconds that a device code lives, and between two polls. */
export const deviceCodeLifetime = 600;
export const pollInterval = 5;
export const deviceGrantType = 'urn:ietf:params:oauth:grant-type:device_code';

/** A device that waits for its user. */
export interface DeviceGrant {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly applicationId: string;
  readonly scopes: readonly string[];
  /** Whose it is, once somebody allowed it. */
  readonly userId: string | undefined;
  readonly granted: readonly string[];
  readonly denied: boolean;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
}

const kind = 'DeviceGrant';
/** Seconds that a grant is remembered: longer than it lives, so that an expired code is told from an unknown one. */
const memory = 2 * deviceCodeLifetime;
// RFC 8628 section 6.1: no vowels, so no words, and nothing that looks alike.
const letters = 'BCDFGHJKLMNPQRSTVWXZ';

export function createDeviceGrant(
  store: Store,
  applicationId: string,
  scopes: readonly string[],
): DeviceGrant {
  const grant: DeviceGrant = {
    deviceCode: randomBytes(32).toString('base64url'),
    userCode: Array.from({ length: 8 }, () => letters[randomInt(letters.length)]).join(''),
    applicationId,
    scopes,
    userId: undefined,
    granted: [],
    denied: false,
    expiresAt: now() + deviceCodeLifetime,
  };
  saveDeviceGrant(store, grant);
  return grant;
}

/** Keeps a new or changed grant. */
export function saveDeviceGrant(store: Store, grant: DeviceGrant): void {
  const exp = grant.expiresAt - deviceCodeLifetime + memory;
  store.engine.set(kind, grant.deviceCode, { exp, grant }, exp - now());
}

/** A grant that has not expired, by its device code. */
export function findDeviceGrant(store: Store, deviceCode: string): DeviceGrant | undefined {
  const grant = read(store.engine.get(kind, deviceCode)?.['grant']);
  return grant === undefined || isExpired(grant) ? undefined : grant;
}

/** A grant that has not expired and waits for its user, by what the user typed. */
export function deviceGrantByUserCode(store: Store, typed: string): DeviceGrant | undefined {
  const grant = pendingDeviceGrant(store, typed);
  return grant === undefined || isExpired(grant) ? undefined : grant;
}

/** A grant that waits for its user, or waited until it expired, by what the user typed: neither case nor separators count. */
export function pendingDeviceGrant(store: Store, typed: string): DeviceGrant | undefined {
  const wanted = typed.toUpperCase().replace(/[^A-Z]/gu, '');
  return store.engine
    .all(kind)
    .map(([, payload]) => read(payload['grant']))
    .find((grant) => grant?.userCode === wanted && grant.userId === undefined && !grant.denied);
}

export function isExpired(grant: DeviceGrant): boolean {
  return secondsLeft(grant) <= 0;
}

export function secondsLeft({ expiresAt }: DeviceGrant): number {
  return expiresAt - now();
}

export function deleteDeviceGrant(store: Store, { deviceCode }: DeviceGrant): void {
  store.engine.delete(kind, deviceCode);
}

function read(value: unknown): DeviceGrant | undefined {
  const grant = objectOf(value);
  const deviceCode = textOf(grant['deviceCode']);
  if (deviceCode === undefined) return undefined;
  return {
    deviceCode,
    userCode: textOf(grant['userCode']) ?? '',
    applicationId: textOf(grant['applicationId']) ?? '',
    scopes: textsOf(grant['scopes']),
    userId: textOf(grant['userId']),
    granted: textsOf(grant['granted']),
    denied: grant['denied'] === true,
    expiresAt: typeof grant['expiresAt'] === 'number' ? grant['expiresAt'] : 0,
  };
}

function now(): number {
  return Math.floor(Date.now() / 1_000);
}
