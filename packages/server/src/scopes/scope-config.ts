import { InvalidValue, valueOption, type OptionValues } from '@mcp-keyhole/cli-kit';
import { scopeToken } from './challenged-scopes.ts';

/** What clients ask for when they sign in: userinfo's scopes and that of the guide's tool. */
const initialScopes = ['openid', 'profile', 'get_name'];

/** The options about scopes. */
export const scopeOptions = {
  scopesSupported: valueOption({
    flag: 'scopes-supported',
    env: 'SCOPES_SUPPORTED',
    placeholder: 'SCOPES',
    help: 'What clients may ask for; tools that need others are hidden [openid profile get_name set_greeting countdown]',
    parse: scopes,
    fallback: [...initialScopes, 'set_greeting', 'countdown'],
  }),
};

/** Which scopes clients need, and are told of. */
export interface ScopeConfig {
  /** What a token must carry for any request: nothing, since each tool has a scope of its own. */
  readonly requiredScopes: readonly string[];
  /** What clients may ask for: the scopes of the tools, and userinfo's. */
  readonly scopesSupported: readonly string[];
  /** Of those, what clients are told to ask for when they sign in; a tool that needs another one leads them to it. */
  readonly initialScopes: readonly string[];
}

/** The scopes of parsed options. */
export function scopesOf({ scopesSupported }: OptionValues<typeof scopeOptions>): ScopeConfig {
  return {
    requiredScopes: Object.freeze([]),
    scopesSupported: Object.freeze(scopesSupported),
    initialScopes: Object.freeze(initialScopes.filter((scope) => scopesSupported.includes(scope))),
  };
}

/** Separated by spaces, as OAuth writes them, or by commas. */
function scopes(raw: string): string[] {
  const words = [...new Set(raw.split(/[\s,]+/u).filter((word) => word !== ''))];
  if (words.length === 0 || !words.every((word) => scopeToken.test(word)))
    throw new InvalidValue('it is a list of scopes, such as "openid profile get_name"');
  if (words.includes('offline_access'))
    throw new InvalidValue('offline_access is no scope of a resource: clients ask for it by themselves');
  return words;
}
