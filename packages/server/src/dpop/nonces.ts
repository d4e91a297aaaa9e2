import { createHmac, timingSafeEqual } from 'node:crypto';

/** Seconds for which a nonce is accepted; at half of that the client gets the next one. */
export const nonceLifetime = 300;

const timeBytes = 6;
const macBytes = 16;

/**
 * Nonces without a memory (RFC 9449, section 9): the time of their making, and a MAC of it. Each node that has the secret
 * accepts those of the others.
 */
export class Nonces {
  readonly #secret: string;
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(secret: string, now: () => number = Date.now) {
    this.#secret = secret;
    this.#now = now;
  }

  make(): string {
    const time = Buffer.alloc(timeBytes);
    time.writeUIntBE(Math.floor(this.#now() / 1_000), 0, timeBytes);
    return Buffer.concat([time, this.#mac(time)]).toString('base64url');
  }

  /**
   * @param tolerance seconds by which the clocks of the nodes may differ
   * @returns seconds since the nonce was made; undefined when it is none of ours, or no longer accepted
   */
  ageOf(nonce: string, tolerance: number): number | undefined {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== timeBytes + macBytes) return undefined;
    const time = bytes.subarray(0, timeBytes);
    if (!timingSafeEqual(bytes.subarray(timeBytes), this.#mac(time))) return undefined;
    const age = this.#now() / 1_000 - time.readUIntBE(0, timeBytes);
    return age > nonceLifetime || age < -tolerance ? undefined : age;
  }

  #mac(time: Buffer): Buffer {
    return createHmac('sha256', this.#secret)
      .update('DPoP-Nonce')
      .update(time)
      .digest()
      .subarray(0, macBytes);
  }
}
