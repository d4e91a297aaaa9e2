import { choice, httpUrl, InvalidValue } from '@mcp-keyhole/cli-kit';
import { issuerUrl } from './config.ts';
import { dpopModes, nonceSecret } from './dpop/dpop-options.ts';
import { checkOption } from './option-check.ts';
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
  checkOption('protect: resource', resource, httpUrl);
  checkOption('protect: issuer', issuer, issuerUrl);
  checkOption('protect: fusionAuthUrl', fusionAuthUrl ?? issuer, httpUrl);
  checkOption('protect: path', path ?? '/', absolutePath);
  checkOption('protect: validation', validation ?? 'auto', choice(validations));
  checkOption('protect: dpop.mode', dpop.mode ?? 'accept', choice(dpopModes));
  if (dpop.nonceSecret !== undefined)
    checkOption('protect: dpop.nonceSecret', dpop.nonceSecret, nonceSecret, true);
  for (const name of ['requiredScopes', 'scopesSupported', 'initialScopes'] as const) {
    checkScopes(`protect: ${name}`, protection[name] ?? []);
  }
}

function absolutePath(raw: string): void {
  if (!raw.startsWith('/')) throw new InvalidValue('it begins with a slash, such as /mcp');
}
