import { cleanLine } from '@mcp-keyhole/cli-kit';
import type { TokenSet } from '../token-store/token-store.ts';

/** A sign-in in words, without its tokens: one fact a line. */
export function describeSignIn(tokens: TokenSet, place: string, now: number): string {
  const facts = [
    ['issuer', cleanLine(tokens.issuer)],
    ['scopes', cleanLine(tokens.scope ?? 'not told')],
    ['token', expiryInWords(tokens, now)],
    ...(tokens.tokenType === 'DPoP' ? [['bound to', bindingInWords(tokens)] as const] : []),
    ['kept in', place],
  ] satisfies (readonly [name: string, value: string])[];
  return facts.map(([name, value]) => `  ${name.padEnd(9)} ${value}\n`).join('');
}

/** What the token is bound to (RFC 9449), without the key. */
export function bindingInWords({ proofKey }: TokenSet): string {
  return `a key in the same place (DPoP, ${cleanLine(proofKey?.alg ?? 'no key')}): nobody else can use the token`;
}

/** When the access token ends, and what happens then. */
export function expiryInWords({ expiresAt, refreshToken }: TokenSet, now: number): string {
  const renewal = refreshToken === undefined ? 'then a new sign-in is needed' : 'renewed by itself';
  if (expiresAt === undefined) return `without a stated end; ${renewal}`;
  return expiresAt > now
    ? `ends in ${span(expiresAt - now)}; ${renewal}`
    : `ended ${span(now - expiresAt)} ago; ${renewal}`;
}

function span(milliseconds: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
  ] as const;
  for (const [unit, length] of units) {
    const count = Math.floor(milliseconds / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? '' : 's'}`;
  }
  return 'less than a minute';
}
