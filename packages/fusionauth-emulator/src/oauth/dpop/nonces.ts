import { randomBytes } from 'node:crypto';
import type { Response } from 'express';
import type { Store } from '../../store/store.ts';
import { OAuthError } from '../oauth-error.ts';

/** Seconds that a nonce is accepted. */
const lifetime = 60;

/** Gives the client the nonce for its next proof (RFC 9449 section 8.2), where the switch asks for nonces. */
export function offerNonce(store: Store, response: Response): void {
  if (!store.dpopNonces) return;
  const nonce = randomBytes(16).toString('base64url');
  store.engine.set('DPoPNonce', nonce, {}, lifetime);
  response.set('DPoP-Nonce', nonce);
}

/** @throws OAuthError `use_dpop_nonce`, where the switch asks for nonces and this is none of ours */
export function checkNonce(store: Store, nonce: unknown): void {
  if (!store.dpopNonces) return;
  if (typeof nonce === 'string' && store.engine.get('DPoPNonce', nonce) !== undefined) return;
  throw new OAuthError('use_dpop_nonce', 'unknown', 'The DPoP proof has to carry the nonce of DPoP-Nonce.');
}
