import { statSync } from 'node:fs';
import path from 'node:path';
import { httpUrl, InvalidValue, isLoopback, text } from '@mcp-keyhole/cli-kit';

/** A client's name: one line of ordinary text. */
export function parseName(raw: string): string {
  const name = text(raw).trim();
  if (/\p{Cc}/u.test(name)) throw new InvalidValue('a name is one line of text');
  return name;
}

/** An http(s) URL to which paths are added: without query and without slashes at its end. */
export function parseBaseUrl(raw: string): string {
  const url = httpUrl(raw);
  if (url.search !== '') throw new InvalidValue('it has a query (?…)');
  return url.href.replace(/\/+$/u, '');
}

export function parseMcpServerUrl(raw: string): string {
  const url = parseBaseUrl(raw);
  if (url.endsWith('/mcp')) throw new InvalidValue('/mcp is added to it, so leave that out');
  return url;
}

/** A redirect URL, as it is compared: by its characters (OAuth 2.1, section 2.3.1). */
export function parseRedirectUrl(raw: string): string {
  if (!URL.canParse(raw)) throw new InvalidValue('it is a full URL, such as https://host.example/callback');
  const url = new URL(raw);
  // RFC 6749, section 3.1.2.
  if (raw.includes('#')) throw new InvalidValue('it has a fragment (#…), which no redirect URL may have');
  if (raw.includes('*')) throw new InvalidValue('it has a *: redirect URLs are compared exactly');
  if (['javascript:', 'data:', 'file:', 'blob:', 'about:'].includes(url.protocol)) {
    throw new InvalidValue(
      "a browser would run or open it here: it is https, http on loopback, or an app's own scheme",
    );
  }
  if (url.protocol === 'http:' && !isLoopback(url)) {
    throw new InvalidValue('with http whoever is on the way reads the code: it is https, but on loopback');
  }
  return raw;
}

/** A resource URI (RFC 8707, section 2), as it is compared: by its characters. */
export function parseResource(raw: string): string {
  httpUrl(raw);
  return raw;
}

/** The name of a scope (RFC 6749, section 3.3). */
export function parseScopeName(raw: string): string {
  if (!/^[\u0021\u0023-\u005b\u005d-\u007e]+$/u.test(raw)) {
    throw new InvalidValue('a scope is one word of ASCII characters, without quotes and backslashes');
  }
  if (['openid', 'offline_access', 'profile', 'email', 'phone', 'address'].includes(raw)) {
    throw new InvalidValue('FusionAuth has that scope without being told');
  }
  return raw;
}

export function parseApiKey(raw: string): string {
  const key = raw.trim();
  // RFC 9110, section 5.5: nothing else fits into a header.
  if (!/^[\u0021-\u007e]+$/u.test(key)) throw new InvalidValue('an API key is one word of ASCII characters');
  return key;
}

export function parseUuid(raw: string): string {
  if (!/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/iu.test(raw)) {
    throw new InvalidValue('it is a UUID, such as d7d09513-a3f5-401c-9685-34ab6c552453');
  }
  return raw.toLowerCase();
}

export function parseFile(raw: string): string {
  // Absolute, since the host starts the proxy in a folder of its own choice.
  const file = path.resolve(raw);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new InvalidValue(`there is no file ${file}`);
  }
  return file;
}
