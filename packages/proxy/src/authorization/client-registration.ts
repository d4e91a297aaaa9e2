import type { PreRegisteredClient } from '../config.ts';
import { errors } from '../errors.ts';
import type { Discovery, RegisteredClient } from './types.ts';

/**
 * The client to sign in with: the one registered by hand.
 *
 * @throws ProxyError `client-not-registered`
 */
export function registeredClient(
  preRegistered: PreRegisteredClient | undefined,
  discovery: Discovery,
): RegisteredClient {
  if (preRegistered === undefined) throw errors.clientNotRegistered(discovery.authorizationServer.issuer);
  return preRegistered;
}
