import type { AuthInfo } from '@modelcontextprotocol/server';
import type { Request, Response } from 'express';
import type { ProtectedResource } from '../protected-resource-metadata.ts';
import { SharedStateUnavailable, type SingleUse } from '../shared-state/shared-state.ts';
import { claimsOf } from '../token-verifier/claims.ts';
import { TokenRefused } from '../token-verifier/refusal.ts';
import { publicKeyAlgorithms } from '../token-verifier/unverified-token.ts';
import type { DpopMode } from './dpop-options.ts';
import { nonceLifetime, Nonces } from './nonces.ts';
import { ProofKeys } from './proof-keys.ts';
import { checkProof, invalid, sha256, type Proof } from './proof.ts';

/** How an access token is presented (RFC 6750, section 2.1; RFC 9449, section 7.1). */
export type Scheme = 'Bearer' | 'DPoP';

/** What {@link Possession} goes by. */
export interface PossessionOptions {
  readonly mode: DpopMode;
  /** The public URL of what is protected. */
  readonly resource: string;
  /** Undefined: proofs need no nonce. */
  readonly nonceSecret: string | undefined;
  /** Seconds by which clocks may differ. */
  readonly clockTolerance: number;
  /** Where the proofs are that were used. */
  readonly singleUse: SingleUse;
}

/** Seconds that a proof may take to arrive. */
const proofLifetime = 30;

/**
 * Has whoever presents a token that is bound to a key prove that he has the key (RFC 9449, section 7). It is asked for every
 * request, however well the token is known.
 */
export class Possession {
  readonly #options: PossessionOptions;
  readonly #nonces: Nonces | undefined;
  readonly #keys = new ProofKeys();

  constructor(options: PossessionOptions) {
    this.#options = options;
    this.#nonces = options.nonceSecret === undefined ? undefined : new Nonces(options.nonceSecret);
  }

  /** What the protected resource metadata says about it (RFC 9728, section 2). */
  get metadata(): Pick<
    ProtectedResource,
    'dpop_signing_alg_values_supported' | 'dpop_bound_access_tokens_required'
  > {
    return {
      dpop_signing_alg_values_supported: publicKeyAlgorithms,
      ...(this.#options.mode === 'require' && { dpop_bound_access_tokens_required: true }),
    };
  }

  /** The schemes that a challenge names, the one to explain first. */
  schemes(presented: Scheme | undefined, failure?: unknown): readonly [Scheme, ...Scheme[]] {
    if (this.#options.mode === 'require' || presented === 'DPoP') return ['DPoP'];
    const isBound = failure instanceof TokenRefused && failure.refusal.reason === 'bound-token-as-bearer';
    return isBound || this.#options.mode === 'offer' ? ['Bearer', 'DPoP'] : ['Bearer'];
  }

  /**
   * Checks that a verified token is presented by the scheme that it is for, and if it is bound, with a proof for this very
   * request. Gives the client its next nonce where nonces are asked for.
   *
   * @returns undefined when there is no proof to wait for; the promise rejects with TokenRefused
   * @throws TokenRefused
   */
  check(request: Request, response: Response, scheme: Scheme, authInfo: AuthInfo): Promise<void> | undefined {
    const binding = bindingOf(authInfo);
    if (scheme === 'Bearer') {
      if (binding !== undefined) throw new TokenRefused({ reason: 'bound-token-as-bearer' });
      if (this.#options.mode === 'require') throw new TokenRefused({ reason: 'unbound-token' });
      return undefined;
    }
    if (binding === undefined) throw new TokenRefused({ reason: 'unbound-token' });
    return this.#checkProof(request, response, { accessToken: authInfo.token, jkt: binding.jkt });
  }

  async #checkProof(
    request: Request,
    response: Response,
    bound: { readonly accessToken: string; readonly jkt: unknown },
  ): Promise<void> {
    const [header, surplus] = request.headersDistinct['dpop'] ?? [];
    if (header === undefined) throw invalid('missing');
    if (surplus !== undefined) throw invalid('several');
    const { method, path } = request;
    // Never from Host or X-Forwarded headers, which an attacker chooses. `path` is what follows the protected path.
    const url = `${this.#options.resource}${path === '/' ? '' : path}`;
    const proof = await checkProof(header, { method, url, ...bound }, this.#keys);
    const secondsLeft = this.#secondsLeft(proof, response);
    await this.#useUp(`${String(bound.jkt)} ${proof.jti}`, secondsLeft);
  }

  /** How long a proof would still be accepted: by the nonce, which is of our own clock, or by its `iat`. */
  #secondsLeft({ iat, nonce }: Proof, response: Response): number {
    const { clockTolerance } = this.#options;
    if (this.#nonces === undefined) {
      const age = Date.now() / 1_000 - iat;
      if (age > proofLifetime + clockTolerance || age < -clockTolerance) throw invalid('iat');
      return proofLifetime + clockTolerance - age;
    }
    const age = nonce === undefined ? undefined : this.#nonces.ageOf(nonce, clockTolerance);
    if (age === undefined || age > nonceLifetime / 2) response.set('DPoP-Nonce', this.#nonces.make());
    if (age === undefined) throw new TokenRefused({ reason: 'nonce-needed' });
    return nonceLifetime - age;
  }

  async #useUp(id: string, secondsLeft: number): Promise<void> {
    try {
      // One second more, since the other side of a comparison may have rounded.
      const isFirst = await this.#options.singleUse.take(sha256(id), (secondsLeft + 1) * 1_000);
      if (!isFirst) throw new TokenRefused({ reason: 'replayed-proof' });
    } catch (error) {
      if (!(error instanceof SharedStateUnavailable)) throw error;
      throw new TokenRefused({ reason: 'proofs-unknown', detail: error.message });
    }
  }
}

/** Whether a token is bound to a key. */
export function isBound(authInfo: AuthInfo): boolean {
  return bindingOf(authInfo) !== undefined;
}

/** The key that a token is bound to (RFC 9449, section 6.1). A binding that cannot be read is one nevertheless. */
function bindingOf(authInfo: AuthInfo): { readonly jkt: unknown } | undefined {
  const { cnf } = claimsOf(authInfo);
  return typeof cnf === 'object' && cnf !== null && 'jkt' in cnf ? cnf : undefined;
}
