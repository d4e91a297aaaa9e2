/**
 * The private key that tokens are bound to (RFC 9449), as a JWK (RFC 7517) with its algorithm. It is made for one sign-in, signs
 * proofs and nothing else, and leaves the token store only into the memory of a proxy.
 */
export interface ProofKey {
  readonly alg: string;
  readonly kty: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
  readonly d: string;
  /** Of RSA: the factors and what follows from them (RFC 7518, section 6.3.2). */
  readonly p?: string;
  readonly q?: string;
  readonly dp?: string;
  readonly dq?: string;
  readonly qi?: string;
}

const publicMembers = ['kty', 'crv', 'x', 'y', 'n', 'e'] as const;
const members = [...publicMembers, 'alg', 'd', 'p', 'q', 'dp', 'dq', 'qi'] as const;

/** What others may see of a key: what it is verified with. */
export function publicHalf(key: ProofKey): { readonly kty: string } & Omit<Partial<ProofKey>, 'kty'> {
  return { kty: key.kty, ...chosen(key, publicMembers) };
}

/** @throws Error saying what is wrong, without quoting the value */
export function parseProofKey(value: unknown): ProofKey {
  const fields = typeof value === 'object' && value !== null ? value : {};
  const { alg, kty, d, ...others } = chosen(fields, members);
  if (alg === undefined || kty === undefined || d === undefined)
    throw new Error('proofKey is not a private key');
  return { alg, kty, d, ...others };
}

/** The members of those names that are texts. */
function chosen<Name extends string>(
  fields: Readonly<Partial<Record<Name, unknown>>>,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const entries = names.map((name) => [name, fields[name]] as const);
  return Object.fromEntries(entries.filter(([, text]) => typeof text === 'string')) as Partial<
    Record<Name, string>
  >;
}
