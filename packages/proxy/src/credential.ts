import { readFile } from 'node:fs/promises';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';
import type { SecretSource } from './header-secrets.ts';
import type { CredentialSource } from './option-values.ts';

/** A file with more than this is not a key or a token. */
const largest = 65_536;

/** Reads a credential, each time anew. @param what it is called in errors, such as "token of this workload" */
export type ReadCredential = (source: CredentialSource, what: string) => Promise<string>;

/**
 * Reads credentials from where the command line says they are. White space around them is dropped, as files end with a
 * line break.
 *
 * @throws ProxyError `credential-unreadable`, `secret-missing`, and those of the store
 */
export function createReadCredential(
  environment: Readonly<Record<string, string | undefined>>,
  openSecrets: () => Promise<SecretSource>,
): ReadCredential {
  const read = async (source: CredentialSource, what: string): Promise<string> => {
    switch (source.kind) {
      case 'environment':
        return environment[source.name] ?? '';
      case 'keychain': {
        const secrets = await openSecrets();
        const secret = await secrets.load(source.name);
        if (secret === undefined) throw errors.secretMissing(source.name, secrets.kind);
        return secret;
      }
      case 'file':
        try {
          return await readFile(source.path, 'utf8');
        } catch (error) {
          throw errors.credentialUnreadable(what, describeSource(source), messageOf(error), error);
        }
    }
  };
  return async (source, what) => {
    const text = (await read(source, what)).trim();
    if (text === '') throw errors.credentialUnreadable(what, describeSource(source), 'it is empty');
    if (text.length > largest)
      throw errors.credentialUnreadable(what, describeSource(source), 'it is too large');
    return text;
  };
}

/** Where a credential is, in words. */
export function describeSource(source: CredentialSource): string {
  switch (source.kind) {
    case 'environment':
      return `the environment variable ${source.name}`;
    case 'keychain':
      return `the secret ${source.name}`;
    case 'file':
      return `the file ${source.path}`;
  }
}
