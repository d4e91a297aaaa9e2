import { errors } from './errors.ts';
import { checkHeaderValue, secretReference, type Header, type PreRegisteredClient } from './option-values.ts';

/** Reads a secret by its name; undefined when there is none. */
export interface SecretSource {
  readonly kind: 'keychain' | 'file';
  load(name: string): Promise<string | undefined>;
}

/** Whether a header's value has `${keychain:NAME}` in it. */
export function needsSecret([, value]: Header): boolean {
  return value.search(secretReference) >= 0;
}

/**
 * The headers with each `${keychain:NAME}` in their values replaced by that secret. Only headers of the user's own are
 * for this: a server that could have its words replaced could ask for any secret.
 *
 * @throws ProxyError `secret-missing`, and those of the store
 */
export async function withSecrets(
  headers: readonly Header[],
  openSecrets: () => Promise<SecretSource>,
): Promise<readonly Header[]> {
  if (!headers.some(needsSecret)) return headers;
  const secrets = await openSecrets();
  const values = new Map<string, string>();
  for (const name of headers.flatMap(([, value]) => namesIn(value))) {
    const secret = await secrets.load(name);
    if (secret === undefined) throw errors.secretMissing(name, secrets.kind);
    values.set(name, secret);
  }
  return headers.map(([header, value]) => [
    header,
    checkHeaderValue(
      header,
      value.replace(secretReference, (_reference, name: string) => values.get(name) ?? ''),
    ),
  ]);
}

/**
 * The client with its secret, when that is kept under a name.
 *
 * @throws ProxyError `secret-missing`, and those of the store
 */
export async function withClientSecret(
  client: PreRegisteredClient | undefined,
  openSecrets: () => Promise<SecretSource>,
): Promise<PreRegisteredClient | undefined> {
  if (client?.secretName === undefined) return client;
  const secrets = await openSecrets();
  const clientSecret = await secrets.load(client.secretName);
  if (clientSecret === undefined) throw errors.secretMissing(client.secretName, secrets.kind);
  return { ...client, clientSecret };
}

function namesIn(value: string): string[] {
  return [...value.matchAll(secretReference)].map(([, name = '']) => name);
}
