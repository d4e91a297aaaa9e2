import {
  ClientSecretPost,
  modifyAssertion,
  None,
  PrivateKeyJwt,
  TlsClientAuth,
  type ClientAuth,
  type ServerMetadata,
} from 'openid-client';
import { errors } from '../errors.ts';
import type { ClientAuthenticationMethod } from '../option-values.ts';
import type { ClientKey } from './client-key.ts';
import type { RegisteredClient } from './types.ts';

/** With what a client may authenticate, besides the secret of its registration. */
export interface ClientCredentials {
  /** The method that the user chose. */
  readonly method: ClientAuthenticationMethod | undefined;
  readonly key: ClientKey | undefined;
  /** Of private_key_jwt; the issuer when undefined. */
  readonly audience: string | undefined;
  /** Whether a certificate is shown to the authorization server and nowhere else. */
  readonly ownCertificate: boolean;
}

/**
 * How the client authenticates at the token endpoint: as the user says; else as its registration says; else by its key or
 * its certificate; else not at all without a secret, and with one as the metadata lists, Basic first, which is also its
 * default (RFC 8414, section 2).
 *
 * @throws ProxyError `client-key-unusable` when the method wants a key, and there is none
 */
export function methodOf(
  { token_endpoint_auth_methods_supported: listed }: ServerMetadata,
  { clientSecret, authenticationMethod }: RegisteredClient,
  { method, key, ownCertificate }: ClientCredentials,
): string {
  if (method !== undefined) return method;
  if (authenticationMethod !== undefined) return clientSecret === undefined ? 'none' : authenticationMethod;
  if (key !== undefined) return 'private_key_jwt';
  if (ownCertificate) return listed?.find(isTls) ?? 'tls_client_auth';
  if (clientSecret === undefined) return 'none';
  return (
    ['client_secret_basic', 'client_secret_post'].find((name) => listed?.includes(name)) ??
    'client_secret_basic'
  );
}

/** Whether a method is one of RFC 8705, whose requests go to `mtls_endpoint_aliases`. */
export function isTls(method: string | undefined): boolean {
  return method === 'tls_client_auth' || method === 'self_signed_tls_client_auth';
}

/** The method as openid-client has it. */
export function clientAuthentication(
  method: string,
  { clientId, clientSecret }: RegisteredClient,
  { key, audience }: ClientCredentials,
): ClientAuth {
  // A workload that is no registered client says nothing of a client.
  if (clientId === '') return () => undefined;
  if (isTls(method)) return TlsClientAuth();
  if (method === 'private_key_jwt') {
    if (key === undefined) throw errors.clientKeyUnusable('there is none');
    return privateKeyJwt(key, audience);
  }
  if (clientSecret === undefined || method === 'none') return None();
  return method === 'client_secret_post' ? ClientSecretPost(clientSecret) : basic(clientSecret);
}

/**
 * RFC 7523, section 2.2. The audience is the issuer, by its exact name (draft-ietf-oauth-rfc7523bis, section 4): an
 * assertion for a token endpoint could be had by another server that names that endpoint as its own.
 */
function privateKeyJwt({ key, alg, kid }: ClientKey, audience: string | undefined): ClientAuth {
  return PrivateKeyJwt(kid === undefined ? key : { key, kid }, {
    [modifyAssertion]: (header, payload) => {
      header['alg'] = alg;
      if (audience !== undefined) payload['aud'] = audience;
    },
  });
}

/**
 * client_secret_basic with the encoding of RFC 6749, section 2.3.1, and no more of it than that asks for: many servers
 * take the header as it stands, and refuse a client id whose hyphens are escaped, as openid-client has it.
 */
function basic(clientSecret: string): ClientAuth {
  const encode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);
  return (_authorizationServer, client, _body, headers) => {
    const credentials = `${encode(client.client_id)}:${encode(clientSecret)}`;
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
  };
}
