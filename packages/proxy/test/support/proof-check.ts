import type { ReceivedRequest } from './loopback-server.ts';
import { proofIn, type CheckedProof } from './proofs.ts';

/** What a server that checks proofs wants of them. */
export interface ProofWishes {
  /** The nonce that they must hold. Default: none. */
  readonly nonce?: string;
  /** Milliseconds by which the server's clock is ahead; proofs are good for a minute. Default: 0. */
  readonly ahead?: number;
}

/** What is wrong with a proof, by its name in RFC 9449, sections 5 and 8. */
export interface ProofRefusal {
  readonly error: 'invalid_dpop_proof' | 'use_dpop_nonce';
  readonly why: string;
}

/** Checks proofs, and takes none twice. */
export class ProofCheck {
  readonly #seen = new Set<unknown>();

  check(request: ReceivedRequest, origin: string, wishes: ProofWishes): CheckedProof | ProofRefusal {
    const refuse = (why: string): ProofRefusal => ({ error: 'invalid_dpop_proof', why });
    let proof: CheckedProof;
    try {
      proof = proofIn(request, origin);
    } catch (error) {
      return refuse(String(error));
    }
    const { jti, iat, nonce } = proof.claims;
    if (this.#seen.has(jti)) return refuse('it has been seen');
    this.#seen.add(jti);
    if (wishes.nonce !== undefined && nonce !== wishes.nonce)
      return { error: 'use_dpop_nonce', why: 'nonce' };
    const age = (Date.now() + (wishes.ahead ?? 0)) / 1_000 - Number(iat);
    return Math.abs(age) < 60 ? proof : refuse(`it is ${String(age)} seconds old`);
  }
}
