import { choice, InvalidValue, valueOption, type OptionValues } from '@mcp-keyhole/cli-kit';

/** Which tokens are taken; a token that is bound to a key only ever with its proof. */
export const dpopModes = ['accept', 'offer', 'require'] as const;
/** One of {@link dpopModes}; the README's table says what each does. */
export type DpopMode = (typeof dpopModes)[number];

/** The options about tokens that are bound to a key (RFC 9449). */
export const dpopOptions = {
  dpop: valueOption({
    flag: 'dpop',
    env: 'DPOP',
    placeholder: dpopModes.join('|'),
    help: 'Tokens bound to a key (DPoP): accept them; offer that to clients; require it, and refuse all others [accept]',
    parse: choice(dpopModes),
    fallback: 'accept' as const,
  }),
  dpopNonceSecret: valueOption({
    flag: 'dpop-nonce-secret',
    env: 'DPOP_NONCE_SECRET',
    placeholder: 'SECRET',
    help: 'Asks for nonces in proofs, made with this secret; the same one on all nodes [none: no nonces]',
    secret: true,
    parse: nonceSecret,
    fallback: undefined,
  }),
};

/** How tokens that are bound to a key are dealt with. */
export interface DpopConfig {
  /**
   * `accept`: bound tokens and others, and a challenge by DPoP only for those who use it. `offer`: every challenge names DPoP
   * beside Bearer. `require`: bound tokens only.
   */
  readonly dpop: DpopMode;
  /** At least 32 characters, the same on all nodes. Undefined: proofs need no nonce. */
  readonly dpopNonceSecret: string | undefined;
}

export function dpopConfigOf({ dpop, dpopNonceSecret }: OptionValues<typeof dpopOptions>): DpopConfig {
  return { dpop, dpopNonceSecret };
}

/** RFC 7518, section 3.2: a key for HMAC with SHA-256 is no shorter than the hash. */
export function nonceSecret(raw: string): string {
  if (Buffer.byteLength(raw) >= 32) return raw;
  throw new InvalidValue('it has at least 32 characters, such as those of `openssl rand -base64 32`');
}
