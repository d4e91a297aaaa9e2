import type { TokenChallenge } from './endpoint.ts';

/** A Bearer challenge (RFC 6750, section 3). */
export interface BearerChallenge extends TokenChallenge {
  readonly error?: string | undefined;
}

const parameter = /(?<name>[\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<bare>[^\s,"]+))/gu;

/**
 * Reads a `WWW-Authenticate` header (RFC 9110, section 11.6.1): several challenges may stand in it, and parameters may or
 * may not be quoted. Empty when there is no Bearer challenge; a metadata address that is no URL counts as absent.
 */
export function readChallenge(header: string | undefined): BearerChallenge {
  const found = /(?:^|,)\s*Bearer(?:\s+|$)/iu.exec(header ?? '');
  if (header === undefined || found === null) return {};
  const values = new Map<string, string>();
  for (const { groups = {} } of ownParameters(header.slice(found.index + found[0].length))) {
    const value = groups['quoted']?.replace(/\\(.)/gu, '$1') ?? groups['bare'] ?? '';
    const name = (groups['name'] ?? '').toLowerCase();
    if (!values.has(name)) values.set(name, value);
  }
  const metadata = values.get('resource_metadata');
  return {
    error: values.get('error'),
    scope: values.get('scope'),
    resourceMetadataUrl: metadata !== undefined && URL.canParse(metadata) ? new URL(metadata) : undefined,
  };
}

/** The parameters up to the next challenge, which begins with a word that no `=` follows. */
function ownParameters(text: string): RegExpExecArray[] {
  const parameters: RegExpExecArray[] = [];
  let end = 0;
  for (const found of text.matchAll(parameter)) {
    if (!/^[\s,]*$/u.test(text.slice(end, found.index))) break;
    parameters.push(found);
    end = found.index + found[0].length;
  }
  return parameters;
}
