import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Output } from './processes.ts';
import type { Exchange } from './recording-forwarder.ts';

/** A value that must not be seen, and what it is. */
export interface Secret {
  readonly kind: string;
  readonly value: string;
  /** It stands in the sign-in URL, which the person at the terminal has to see. */
  readonly inSignInUrl: boolean;
}

/** Everything issued in a run that is worth stealing: tokens, codes, verifiers, states, nonces and session cookies. */
export function secretsOf(exchanges: readonly Exchange[]): readonly Secret[] {
  const secrets = new Map<string, Secret>();
  const note = (kind: string, value: unknown, inSignInUrl = false): void => {
    if (typeof value === 'string' && value !== '') secrets.set(value, { kind, value, inSignInUrl });
  };
  for (const { url, requestBody, location, cookies, responseBody } of exchanges) {
    if (url.pathname === '/oauth2/authorize') {
      for (const name of ['state', 'nonce', 'code_challenge']) note(name, url.searchParams.get(name), true);
    }
    if (url.pathname === '/oauth2/token') {
      const sent = new URLSearchParams(requestBody);
      for (const name of ['code', 'code_verifier', 'refresh_token']) note(name, sent.get(name));
      const answer = JSON.parse(responseBody) as Record<string, unknown>;
      for (const name of ['access_token', 'refresh_token', 'id_token']) note(name, answer[name]);
    }
    if (location !== undefined) note('code', new URL(location, url).searchParams.get('code'));
    for (const cookie of cookies) {
      const value = /^[^=]+=(?<value>[^;]{16,})/u.exec(cookie)?.groups?.['value'];
      note('session cookie', value);
    }
  }
  return [...secrets.values()];
}

/** Where a secret was seen. It does not say the secret. */
export interface Finding {
  readonly kind: string;
  readonly where: string;
}

/** The one line that may hold the state and the challenge, with the code or a token in it no less a finding. */
const signInLine = /^mcp-keyhole: sign in to \S+ here: \S+$/gmu;
/** The address as the host is told it, within JSON: in instructions, by the tool `sign_in`, in errors. */
const signInUrl = /https?:\/\/[^\s"\\]+\/oauth2\/authorize\?[^\s"\\]+/gu;

/** Searches what processes printed, and every file below the folders, for the secrets in all forms that leaks take. */
export function scan(
  secrets: readonly Secret[],
  places: { outputs: readonly Output[]; folders: readonly string[] },
): readonly Finding[] {
  const search = (where: string, content: Buffer, sought = secrets): readonly Finding[] =>
    sought
      .filter(({ value }) => forms(value).some((form) => content.includes(form)))
      .map(({ kind }) => ({ kind, where }));
  /** What may not even stand there. */
  const never = secrets.filter(({ inSignInUrl }) => !inSignInUrl);
  return [
    ...places.outputs.flatMap(({ name, stdout, stderr }) => [
      ...search(`${name}, stdout`, Buffer.from(stdout.replace(signInUrl, ''))),
      ...search(`${name}, sign-in URL on stdout`, Buffer.from(stdout), never),
      ...search(`${name}, stderr`, Buffer.from(stderr.replace(signInLine, ''))),
      ...search(`${name}, sign-in line on stderr`, Buffer.from(stderr), never),
    ]),
    ...places.folders.flatMap(filesBelow).flatMap((path) => search(path, readFileSync(path))),
  ];
}

function forms(value: string): readonly Buffer[] {
  // A JWT's signature alone is as telling as the whole; a part of any other value is worthless.
  const signature = /^[\w-]+\.[\w-]+\.(?<signature>[\w-]{20,})$/u.exec(value)?.groups?.['signature'];
  return [
    ...[value, encodeURIComponent(value), ...(signature === undefined ? [] : [signature])].map((form) =>
      Buffer.from(form),
    ),
    Buffer.from(value, 'utf16le'),
    Buffer.from(
      Buffer.from(value)
        .toString('base64')
        .replace(/.{0,4}=*$/u, ''),
    ),
    Buffer.from(Buffer.from(value).toString('hex')),
  ];
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
