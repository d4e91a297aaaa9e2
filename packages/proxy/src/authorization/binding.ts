import {
  getDPoPHandle,
  modifyAssertion,
  randomDPoPKeyPair,
  type Configuration,
  type CryptoKey,
  type DPoPOptions,
} from 'openid-client';
import { importJWK } from 'jose/key/import';
import type { ProxyConfig } from '../config.ts';
import { errors } from '../errors.ts';
import type { ServerClocks } from '../http/server-clocks.ts';
import { parseProofKey, publicHalf, type ProofKey } from '../token-store/proof-key.ts';
import type { TokenSet } from '../token-store/token-store.ts';
import type { Challenge, Discovery } from './types.ts';

/** How the tokens of a sign-in shall be bound to a key (RFC 9449). */
export interface BindingPlan {
  /** The JWS algorithm of the proofs. */
  readonly alg: string;
  /** Tokens that are not bound are of no use. */
  readonly demanded: boolean;
}

/** The same with the key. */
export interface Binding extends BindingPlan {
  readonly key: ProofKey;
}

/** Those that we sign with, the shortest proofs and keys first. */
const algorithms = ['ES256', 'EdDSA', 'Ed25519', 'ES384', 'ES512', 'PS256', 'RS256'];

/**
 * Whether tokens are bound: when the user, the challenge or the resource's metadata demands that; where a challenge offers it,
 * only if the authorization server announces that it can. That one of them could is no reason.
 *
 * @throws ProxyError `binding-impossible` when they must be and cannot
 */
export function planBinding(
  { dpop: challenged }: Challenge,
  { dpop: published, authorizationServer }: Discovery,
  mode: ProxyConfig['dpop'],
  server: URL,
): BindingPlan | undefined {
  const isWanted = challenged?.demanded === true || published?.demanded === true;
  if (mode === 'never' && isWanted) throw errors.bindingForbidden(server);
  if (mode === 'never') return undefined;
  const demanded = isWanted || mode === 'always';
  if (!demanded && challenged === undefined) return undefined;
  const { dpop_signing_alg_values_supported: announced, issuer } = authorizationServer;
  if (!demanded && announced === undefined) return undefined;
  const lists = [challenged?.algorithms, published?.algorithms, announced];
  const alg = algorithms.find((name) => lists.every((list) => list?.includes(name) !== false));
  if (alg !== undefined) return { alg, demanded };
  if (demanded) throw errors.proofAlgorithmMissing(server, issuer, algorithms);
  return undefined;
}

/** A plan with a new key: each sign-in has its own. */
export async function withKey(plan: BindingPlan): Promise<Binding> {
  const { privateKey } = await randomDPoPKeyPair(plan.alg, { extractable: true });
  const jwk = await crypto.subtle.exportKey('jwk', privateKey);
  return { ...plan, key: parseProofKey({ ...jwk, alg: plan.alg }) };
}

/** What a token request proves the possession of the key with; nothing without a key. */
export async function proofsBy(
  key: ProofKey | undefined,
  oauthClient: Configuration,
  clocks: ServerClocks,
): Promise<DPoPOptions> {
  if (key === undefined) return {};
  const privateKey = (await importJWK({ ...key }, key.alg)) as CryptoKey;
  const publicKey = (await importJWK({ ...publicHalf(key) }, key.alg)) as CryptoKey;
  const handle = getDPoPHandle(
    oauthClient,
    { privateKey, publicKey },
    {
      [modifyAssertion]: (header, payload) => {
        // RFC 9864 renames EdDSA; the server may know one of the names only.
        header['alg'] = key.alg;
        payload['iat'] = clocks.seconds(new URL(payload['htu'] as string));
      },
    },
  );
  return { DPoP: handle };
}

/**
 * The tokens with the key that they are bound to. Where that is only an offer, the authorization server may issue bearer
 * tokens all the same; a public client's refresh token may then be bound to the key nevertheless (RFC 9449, section 5).
 *
 * @throws ProxyError `binding-impossible` when they must be bound and are not; `sign-in-invalid` when they are bound to
 *   another key
 */
export function withBinding(
  tokens: TokenSet,
  binding: Pick<Binding, 'key' | 'demanded'> | undefined,
  server: URL,
): TokenSet {
  const isBound = tokens.tokenType === 'DPoP';
  if (binding === undefined) {
    if (isBound) throw errors.signInInvalid(tokens.issuer, 'the token is bound to a key that is not ours');
    return tokens;
  }
  if (binding.demanded && !isBound) throw errors.tokenNotBound(server, tokens.issuer);
  return { ...tokens, proofKey: binding.key };
}
