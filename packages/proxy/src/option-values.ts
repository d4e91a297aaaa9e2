import { readFileSync } from 'node:fs';
import { httpUrl, InvalidValue, messageOf } from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';

/** A client that was registered by hand. */
export interface PreRegisteredClient {
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  /** The name of the secret that is the client's; it is read when it is needed. */
  readonly secretName?: string | undefined;
  /** Space-separated; when given, exactly these scopes are asked for. */
  readonly scope?: string | undefined;
}

/** The host of the redirect URI. */
export function parseCallbackHost(raw: string): string {
  if (!/^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])$/u.test(raw) || !URL.canParse(`http://${raw}`)) {
    throw new InvalidValue('it is a host name or address without a port, such as localhost or 127.0.0.1');
  }
  return raw.toLowerCase();
}

/** --static-oauth-client-info */
export function parseClientInfo(raw: string, flag = '--static-oauth-client-info'): PreRegisteredClient {
  const info = parseObject(raw, (why) => errors.clientInfoUnusable(why, flag));
  const field = (name: 'client_id' | 'client_secret' | 'scope'): string | undefined => {
    const value = info[name];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'string') throw errors.clientInfoUnusable(`${name} is not a text`, flag);
    return value;
  };
  const clientId = field('client_id');
  if (clientId === undefined) throw errors.clientInfoUnusable('client_id is missing', flag);
  return { clientId, clientSecret: field('client_secret'), scope: field('scope') };
}

/** --client-id */
export function parseClientId(raw: string): string {
  if (!/^[\u0020-\u007e]+$/u.test(raw))
    throw new InvalidValue('it is a text of ASCII characters (RFC 6749, appendix A.1)');
  return raw;
}

/** --client-secret */
export function parseClientSecret(raw: string): { value: string } | { name: string } {
  if (raw.startsWith('keychain:')) return { name: parseSecretName(raw.slice('keychain:'.length)) };
  if (!/^[\u0020-\u007e]+$/u.test(raw))
    throw new InvalidValue('it is a text of ASCII characters (RFC 6749, appendix A.2)');
  return { value: raw };
}

/** --scope: one or more, as in RFC 6749, section 3.3 */
export function parseScope(raw: string): string {
  if (!/^[!#-[\]-~]+(?: [!#-[\]-~]+)*$/u.test(raw)) throw new InvalidValue('it is a name such as openid');
  return raw;
}

/** Where a credential stands that is read when it is needed, and again each time: it may be replaced meanwhile. */
export type CredentialSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment' | 'keychain'; readonly name: string };

/** `env:NAME`, `keychain:NAME`, or else the path of a file. */
export function parseCredentialSource(raw: string): CredentialSource {
  const [, scheme, name = ''] = /^(?<scheme>env|keychain):(?<name>.*)$/su.exec(raw) ?? [];
  if (scheme === 'keychain') return { kind: 'keychain', name: parseSecretName(name) };
  if (scheme === 'env' && name === '') throw new InvalidValue('after env: stands the name of a variable');
  if (scheme === 'env') return { kind: 'environment', name };
  if (raw === '') throw new InvalidValue('it is the path of a file, env:NAME or keychain:NAME');
  return { kind: 'file', path: raw };
}

/** How a client authenticates at the token endpoint, by the names of RFC 7591 and RFC 8705. */
export const clientAuthenticationMethods = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
] as const;

export type ClientAuthenticationMethod = (typeof clientAuthenticationMethods)[number];

/** A header for the server. */
export type Header = readonly [name: string, value: string];

/** `${keychain:NAME}` in a header's value: the named secret takes its place when the connection is made. */
export const secretReference = /\$\{keychain:(?<name>[^}]*)\}/gu;

/** The name of a secret. */
export function parseSecretName(raw: string): string {
  if (!/^[\w.-]{1,64}$/u.test(raw)) throw errors.secretNameUnusable(raw);
  return raw;
}

/** --header */
export function parseHeader(raw: string): Header {
  const colon = raw.indexOf(':');
  const name = raw.slice(0, Math.max(colon, 0)).trim();
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/u.test(name)) {
    throw errors.headerUnusable('it does not begin with a header name and a colon');
  }
  const value = checkHeaderValue(name, raw.slice(colon + 1).trim());
  for (const [, secret = ''] of value.matchAll(secretReference)) parseSecretName(secret);
  if (value.replace(secretReference, '').includes('${keychain:')) {
    throw errors.headerUnusable(`in the value of ${name} a \${keychain:…} does not end`);
  }
  return [name, value];
}

/** The value, if HTTP allows it (RFC 9110, section 5.5): anything else could end the header and begin another. */
export function checkHeaderValue(name: string, value: string): string {
  if (!/^[\t\u0020-\u007e\u0080-\u00ff]*$/u.test(value)) {
    throw errors.headerUnusable(`the value of ${name} has characters that HTTP does not allow`);
  }
  return value;
}

/** --header-file: a `Name: value` a line; empty lines and those that begin with # are left out. */
export function parseHeaderFile(text: string): readonly Header[] {
  return text
    .split(/\r?\n/u)
    .filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'))
    .map(parseHeader);
}

/** --static-oauth-client-metadata */
export function parseClientMetadata(raw: string): Readonly<Record<string, unknown>> {
  return parseObject(raw, (why) => new InvalidValue(why));
}

/** The flow's own parameters: another value would break it, or its protection. */
const ownParameters = [
  'client_id',
  'response_type',
  'redirect_uri',
  'state',
  'scope',
  'resource',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'response_mode',
  'request',
  'request_uri',
];

/** --authorize-param */
export function parseAuthorizeParameter(raw: string): readonly [name: string, value: string] {
  const [, name, value] = /^(?<name>[^=\s]+)=(?<value>.*)$/su.exec(raw) ?? [];
  if (name === undefined || value === undefined) throw new InvalidValue('it has the form name=value');
  if (ownParameters.includes(name)) throw new InvalidValue(`${name} is set by the sign-in itself`);
  return [name, value];
}

/** --resource: an absolute URI without fragment (RFC 8707), passed on exactly as given; empty leaves it out. */
export function parseResource(raw: string): string {
  if (raw !== '' && (!URL.canParse(raw) || raw.includes('#'))) {
    throw new InvalidValue('it is an absolute URI without a fragment');
  }
  return raw;
}

/** --callback-path */
export function parseCallbackPath(raw: string): string {
  const path = raw.startsWith('/') ? raw : `/${raw}`;
  if (!/^\/[A-Za-z0-9._~/-]*$/u.test(path)) throw new InvalidValue('it is a path such as /oauth/callback');
  return path;
}

/** --identity-provider: an issuer, compared as it is written. */
export function parseIssuer(raw: string): string {
  httpUrl(raw);
  return raw;
}

/** --client-metadata-url: the document's URL is the client id, so it must be https, with a path. */
export function parseClientMetadataUrl(raw: string): URL {
  const url = httpUrl(raw);
  if (url.protocol !== 'https:' || url.pathname === '/')
    throw new InvalidValue('it is an https URL with a path');
  return url;
}

/** --profile */
export function parseProfile(raw: string): string {
  if (!/^[\w.@+-]{1,64}$/u.test(raw)) {
    throw new InvalidValue('it is a short name of letters, digits and . _ @ + -');
  }
  return raw;
}

/** The parser's own message is not passed on: it quotes the input, which may hold a secret. */
function parseObject(raw: string, refuse: (why: string) => Error): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    throw refuse('it is not valid JSON (some hosts strip the quotes: then use @file)');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse('it is not a JSON object');
  return value as Readonly<Record<string, unknown>>;
}

/** --ca-file, --cert and --key: the PEM text in the file. */
export function parsePemFile(kind: 'CERTIFICATE' | 'PRIVATE KEY'): (file: string) => string {
  return (file) => {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      throw new InvalidValue(`it names a file that cannot be read: ${messageOf(error)}`);
    }
    if (!new RegExp(`-----BEGIN (?:[A-Z]+ )?${kind}-----`, 'u').test(text)) {
      throw new InvalidValue(`it names a PEM file with "-----BEGIN ${kind}-----", and ${file} is none`);
    }
    return text;
  };
}
