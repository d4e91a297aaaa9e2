import { choice, httpUrl, InvalidValue } from '@mcp-keyhole/cli-kit';
import { issuerUrl } from './config.ts';
import { dpopModes, nonceSecret } from './dpop/dpop-options.ts';
import { errors } from './errors.ts';
import type { Protection } from './protect.ts';
import { checkScopes } from './scopes/scope-check.ts';
import { validations } from './token-verifier/token-verifier.ts';

/**
 * Refuses, before any request comes, what cannot work or would protect less than it says. The types say the same, but not
 * to plain JavaScript, nor of what the environment holds.
 *
 * @throws ServerError `issuer-not-a-url`, `unusable-option`
 */
export function checkProtection(protection: Protection): void {
  const { resource, issuer, fusionAuthUrl, path, validation, dpop = {} } = protection;
  // RFC 8707, section 2: an absolute URI without a fragment.
  check('resource', resource, httpUrl);
  check('issuer', issuer, issuerUrl);
  check('fusionAuthUrl', fusionAuthUrl ?? issuer, httpUrl);
  check('path', path ?? '/', absolutePath);
  check('validation', validation ?? 'auto', choice(validations));
  check('dpop.mode', dpop.mode ?? 'accept', choice(dpopModes));
  if (dpop.nonceSecret !== undefined) check('dpop.nonceSecret', dpop.nonceSecret, nonceSecret, true);
  for (const name of ['requiredScopes', 'scopesSupported', 'initialScopes'] as const) {
    checkScopes(`protect: ${name}`, protection[name] ?? []);
  }
}

function check(name: string, value: unknown, parse: (raw: string) => unknown, isSecret = false): void {
  try {
    parse(String(value));
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw errors.unusableOption(`protect: ${name}`, isSecret ? undefined : value, error.message);
  }
}

function absolutePath(raw: string): void {
  if (!raw.startsWith('/')) throw new InvalidValue('it begins with a slash, such as /mcp');
}
