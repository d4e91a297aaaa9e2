import { errors } from '../errors.ts';
import { scopeToken } from './challenged-scopes.ts';

/**
 * Refuses scopes that no token could ever have: what they are to protect would be closed to everyone, or, as an empty list,
 * open.
 *
 * @param option what they were given as, for the message
 * @param least how many there have to be
 * @throws ServerError `unusable-option`
 */
export function checkScopes(option: string, scopes: unknown, least = 0): void {
  const isList =
    Array.isArray(scopes) &&
    scopes.length >= least &&
    scopes.every((scope: unknown) => typeof scope === 'string' && scopeToken.test(scope));
  if (!isList) throw errors.unusableOption(option, scopes, 'it is a list of scopes, such as ["weather"]');
}
