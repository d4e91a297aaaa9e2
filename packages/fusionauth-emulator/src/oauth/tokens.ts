import { createHash, randomUUID } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import type { Context } from '../context.ts';
import type { KeyMaterial, SigningKey } from '../store/keys.ts';
import { registrationOf } from '../store/registrations.ts';
import { jwtConfigurationOf, type Store } from '../store/store.ts';
import type { Application, User } from '../store/types.ts';

/** What the tokens of one answer of the token endpoint say. */
export interface TokenGrant {
  readonly application: Application;
  readonly user: User;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  /** How the user came by it: `['authorization_code']`, then `['authorization_code', 'refresh_token']`. */
  readonly grantTypes: readonly string[];
  readonly authenticationType: 'PASSWORD' | 'REFRESH_TOKEN';
  readonly sessionId: string;
  /** Seconds since the epoch. */
  readonly authTime: number;
  /** The thumbprint of the key that the access token is bound to (RFC 9449). */
  readonly jkt: string | undefined;
}

/** The keys, and the clock that may be off. */
type TokenContext = Pick<Context, 'store' | 'faults'>;

export interface SignedToken {
  readonly token: string;
  readonly expiresIn: number;
}

/**
 * Signs an access token as FusionAuth does: `aud` is the client id, or a list that begins with it once resources were
 * resolved; there is no `client_id`, `azp` or `resource` claim.
 */
export async function signAccessToken(context: TokenContext, grant: TokenGrant): Promise<SignedToken> {
  const { store } = context;
  const { application, resources, scopes } = grant;
  const settings = jwtConfigurationOf(store, application);
  const compatible = application.oauthConfiguration.scopeHandlingPolicy === 'Compatibility';
  const { material, algorithm } = await signingKey(store, settings.accessTokenKeyId);
  const claims: JWTPayload = {
    ...commonClaims(context, grant, settings.timeToLiveInSeconds),
    aud: resources.length === 0 ? application.id : [application.id, ...resources],
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(compatible ? loginClaims(grant.user) : {}),
    ...(grant.jkt === undefined ? {} : { cnf: { jkt: grant.jkt } }),
  };
  const header = { alg: algorithm, typ: 'JWT', kid: material.kid, gty: [...grant.grantTypes] };
  return { token: await sign(claims, header, material), expiresIn: settings.timeToLiveInSeconds };
}

/** Signs an id_token: with the tenant's key, or under HS256 with the client's secret. */
export async function signIdToken(
  context: TokenContext,
  grant: TokenGrant,
  extra: { nonce?: string | undefined; accessToken: string },
): Promise<string> {
  const { store } = context;
  const { application, user, scopes } = grant;
  const settings = jwtConfigurationOf(store, application);
  const key = await signingKey(store, settings.idTokenKeyId);
  const secret = new TextEncoder().encode(application.oauthConfiguration.clientSecret);
  const claims: JWTPayload = {
    ...commonClaims(context, grant, settings.timeToLiveInSeconds),
    aud: application.id,
    at_hash: halfHash(extra.accessToken, key.algorithm),
    scope: scopes.join(' '),
    ...(extra.nonce === undefined ? {} : { nonce: extra.nonce }),
    ...(scopes.includes('email') ? { email: user.email, email_verified: user.verified } : {}),
    ...(scopes.includes('profile') ? { preferred_username: user.username } : {}),
  };
  const header = { alg: key.algorithm, typ: 'JWT', kid: key.material.kid, gty: [...grant.grantTypes] };
  return sign(
    claims,
    header,
    key.algorithm.startsWith('HS') ? { kid: key.material.kid, secret } : key.material,
  );
}

/**
 * Checks signature and expiry against every key there is, and nothing else, as FusionAuth's `/api/jwt/validate` does.
 *
 * @param at the time by which it must not have expired
 * @returns the claims, or undefined for a token that is not valid
 */
export async function verifyToken(
  { store, faults }: TokenContext,
  token: string,
  at = new Date(faults.now()),
): Promise<JWTPayload | undefined> {
  const key = await keyOf(store, token);
  if (key === undefined) return undefined;
  const { material, algorithm } = key;
  try {
    const verifier = 'secret' in material ? material.secret : material.public;
    return (await jwtVerify(token, verifier, { algorithms: [algorithm], currentDate: at })).payload;
  } catch {
    // Whatever is wrong with it, the answer is the same: not valid.
    return undefined;
  }
}

/** The client that a token was issued to: the first of its audience (trap 5). */
export function clientOf({ aud }: JWTPayload): string | undefined {
  return Array.isArray(aud) ? aud[0] : aud;
}

/** The keys of the JWKS document: public halves only, and none where the switch says so. */
export async function publicKeys(store: Store): Promise<Record<string, unknown>[]> {
  if (store.emptyJwks) return [];
  const materials = await Promise.all([...store.keys.values()].map((key) => key.material()));
  return materials.flatMap((material) => ('jwk' in material ? [{ ...material.jwk }] : []));
}

interface ReadyKey {
  readonly algorithm: string;
  readonly material: KeyMaterial;
}

async function signingKey(store: Store, id: string | undefined): Promise<ReadyKey> {
  const key = store.keys.get(id ?? '') ?? store.keys.get(store.defaultSigningKeyId);
  if (key === undefined) throw new Error('The default signing key is gone.');
  return ready(key);
}

/** The key that a token names. It is only a name: the signature decides. */
async function keyOf(store: Store, token: string): Promise<ReadyKey | undefined> {
  let kid: string | undefined;
  try {
    ({ kid } = decodeProtectedHeader(token));
  } catch {
    // Not a JWT at all.
    return undefined;
  }
  for (const key of store.keys.values()) {
    const material = await key.existingMaterial();
    if (material !== undefined && material.kid === kid) return { material, algorithm: key.algorithm };
  }
  return undefined;
}

async function ready(key: SigningKey): Promise<ReadyKey> {
  return { algorithm: key.algorithm, material: await key.material() };
}

function commonClaims({ store, faults }: TokenContext, grant: TokenGrant, lifetime: number): JWTPayload {
  const now = Math.floor(faults.now() / 1_000);
  const registration = registrationOf(store, grant.user.id, grant.application.id);
  return {
    exp: now + lifetime,
    iat: now,
    iss: store.tenant.issuer,
    sub: grant.user.id,
    jti: randomUUID(),
    authenticationType: grant.authenticationType,
    sid: grant.sessionId,
    auth_time: grant.authTime,
    tid: store.tenant.id,
    ...(registration === undefined
      ? {}
      : { applicationId: grant.application.id, roles: [...registration.roles] }),
  };
}

function loginClaims(user: User): JWTPayload {
  return { email: user.email, email_verified: user.verified, preferred_username: user.username };
}

function sign(
  claims: JWTPayload,
  header: { alg: string; typ: string; kid: string; gty: string[] },
  material: KeyMaterial,
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader(header)
    .sign('secret' in material ? material.secret : material.private);
}

/** `at_hash` (OpenID Connect Core section 3.1.3.6). */
function halfHash(value: string, algorithm: string): string {
  const digest = createHash(`sha${algorithm.slice(2)}`)
    .update(value)
    .digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}
