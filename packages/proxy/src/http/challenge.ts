import type { TokenChallenge } from './endpoint.ts';

/** A challenge by the schemes that we know: Bearer (RFC 6750, section 3) and DPoP (RFC 9449, section 7.1). */
export interface ReadChallenge extends TokenChallenge {
  readonly error?: string | undefined;
  /** What is wrong with a proof: the error of the DPoP challenge alone. */
  readonly proofError?: string | undefined;
}

/** The parameters of one challenge, by their names in lower case; of a name that comes twice the first. */
type Parameters = ReadonlyMap<string, string>;

/**
 * Reads a `WWW-Authenticate` header (RFC 9110, section 11.6.1): several challenges may stand in it, and parameters may or
 * may not be quoted. Empty when none is of a scheme that we know; a metadata address that is no URL counts as absent.
 */
export function readChallenge(header: string | undefined): ReadChallenge {
  const challenges = parametersByScheme(header ?? '');
  const bearer = challenges.get('bearer');
  const dpop = challenges.get('dpop');
  const value = (name: string): string | undefined => bearer?.get(name) ?? dpop?.get(name);
  const metadata = value('resource_metadata');
  return {
    error: value('error'),
    proofError: dpop?.get('error'),
    scope: value('scope'),
    resourceMetadataUrl: metadata !== undefined && URL.canParse(metadata) ? new URL(metadata) : undefined,
    dpop: dpop === undefined ? undefined : { demanded: bearer === undefined, algorithms: wordsIn(dpop) },
  };
}

function wordsIn(dpop: Parameters): readonly string[] | undefined {
  const words = dpop.get('algs')?.split(' ') ?? [];
  return words.length === 0 ? undefined : words.filter((word) => word !== '');
}

const parameter = /([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/uy;
const word = /[^\s,="]+/uy;

/** A scheme is a word that no `=` follows; what stands behind it without a comma, and is no parameter, is a token68. */
function parametersByScheme(header: string): ReadonlyMap<string, Parameters> {
  const challenges = new Map<string, Map<string, string>>();
  let current = new Map<string, string>();
  let afterScheme = false;
  for (let at = 0; at < header.length;) {
    parameter.lastIndex = at;
    word.lastIndex = at;
    const [pair, name = '', quoted, bare = ''] = parameter.exec(header) ?? [];
    if (pair !== undefined) {
      const known = name.toLowerCase();
      if (!current.has(known)) current.set(known, quoted?.replace(/\\(.)/gu, '$1') ?? bare);
      afterScheme = false;
      at += pair.length;
      continue;
    }
    const [scheme] = word.exec(header) ?? [];
    if (scheme !== undefined && !afterScheme) {
      current = new Map();
      // The same scheme again is for other users of it.
      if (!challenges.has(scheme.toLowerCase())) challenges.set(scheme.toLowerCase(), current);
    }
    if (scheme !== undefined) afterScheme = true;
    else if (header[at] === ',') afterScheme = false;
    at += scheme?.length ?? 1;
  }
  return challenges;
}
