import { randomUUID } from 'node:crypto';
import { KeyAlgorithm, type JWTConfiguration, type Key } from '@fusionauth/typescript-client';
import { check, type Check } from '../check.ts';
import type { AllFacts, PublishedKey } from '../facts.ts';
import type { ApiRequest, Change } from '../finding.ts';
import { tokenLifetimeChecks } from './token-lifetimes.ts';

/** Where token settings stand: at a tenant, or at an application that overrides them. */
export interface TokenSettings {
  readonly about: string;
  /** The page of FusionAuth that has them. */
  readonly where: string;
  readonly configuration: JWTConfiguration;
  /** The request that changes them. */
  readonly request: (jwtConfiguration: object) => ApiRequest;
}

/** The checks of token settings, which stand at a tenant and may stand at an application. */
export function tokenSettingsChecks<const Holder extends 'tenant' | 'client'>(
  holder: Holder,
  settingsOf: (held: AllFacts[Holder]) => TokenSettings | undefined,
): readonly Check[] {
  return [
    check('signing-key', 'wrong', [holder, 'keys', 'jwks'], (seen) => {
      const settings = settingsOf(seen[holder]);
      const tokens = settings === undefined ? [] : tokensSigned(settings, (id) => isSecret(id, seen.keys));
      if (settings === undefined || tokens.length === 0) return undefined;
      return { ...keyTrouble(tokens, settings), change: keyChange(seen, settings) };
    }),

    check('jwks-incomplete', 'wrong', [holder, 'keys', 'jwks'], (seen) => {
      const { keys, jwks } = seen;
      const settings = settingsOf(seen[holder]);
      const isMissing = (id: string | undefined): boolean => {
        const key = keys.find((one) => one.id === id);
        return key !== undefined && !isSecret(id, keys) && !isPublished(key, jwks);
      };
      const tokens = settings === undefined ? [] : tokensSigned(settings, isMissing);
      if (settings === undefined || tokens.length === 0) return undefined;
      return {
        about: 'JWKS document',
        message: `The key that signs ${tokens.join(' and ')} of ${settings.about} is not in it.`,
        consequence: unverifiable,
        remedy:
          'FusionAuth publishes every key pair: something before it answers /.well-known/jwks.json in its place. Empty the caches of gateways, and let that path through.',
      };
    }),

    ...tokenLifetimeChecks(holder, settingsOf),
  ];
}

/** What a key that nobody can see breaks. */
export const unverifiable =
  'Clients cannot check the id_token, and servers that verify tokens themselves answer each with a 401.';

/** That tokens are signed with what nobody else can verify. */
export function keyTrouble(
  tokens: readonly string[],
  { about, where }: Pick<TokenSettings, 'about' | 'where'>,
): { about: string; message: string; consequence: string; remedy: string } {
  return {
    about,
    message: `No published key verifies ${tokens.join(' and ')}: they are signed with a secret (HMAC).`,
    consequence: unverifiable,
    remedy: `Settings → Key Master: generate an RSA key (RS256). Then ${where}: choose it for access and id tokens.`,
  };
}

type Keys = Pick<AllFacts, 'keys' | 'jwks'>;

/** Which tokens are signed with a key of that kind. */
function tokensSigned(
  { configuration }: TokenSettings,
  isSuch: (id: string | undefined) => boolean,
): string[] {
  const { accessTokenKeyId, idTokenKeyId } = configuration;
  return [
    ...(isSuch(accessTokenKeyId) ? ['access tokens'] : []),
    ...(isSuch(idTokenKeyId) ? ['id tokens'] : []),
  ];
}

/** Without a key of its own FusionAuth signs with a secret as well. */
function isSecret(id: string | undefined, keys: readonly Key[]): boolean {
  return keys.find((key) => key.id === id)?.algorithm?.startsWith('HS') ?? true;
}

/** HMAC keys are secrets: whoever holds one can also sign. */
export function isPublicKey({ alg }: PublishedKey): boolean {
  return alg?.startsWith('HS') !== true;
}

function isPublished({ kid }: Key, jwks: readonly PublishedKey[]): boolean {
  return jwks.some((published) => isPublicKey(published) && published.kid === kid);
}

/** Points both kinds of tokens at an RS256 key: a published one that there is, or a new one. */
function keyChange({ keys, jwks }: Keys, { request }: TokenSettings): Change {
  const own = keys.find((key) => key.algorithm === KeyAlgorithm.RS256 && isPublished(key, jwks));
  const id = own?.id ?? randomUUID();
  const name = own?.name ?? `Keyhole RS256 ${id.slice(0, 8)}`;
  const generate: ApiRequest = {
    method: 'POST',
    path: `/api/key/generate/${id}`,
    body: { key: { algorithm: 'RS256', name, length: 2_048 } },
  };
  return {
    says: [
      ...(own === undefined ? [`new key ${JSON.stringify(name)} (RS256, 2048 bits)`] : []),
      `jwtConfiguration.accessTokenKeyId and idTokenKeyId: the key ${JSON.stringify(name)}`,
    ],
    requests: [...(own === undefined ? [generate] : []), request({ accessTokenKeyId: id, idTokenKeyId: id })],
  };
}
