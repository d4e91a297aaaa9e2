import { parseProofKey } from './proof-key.ts';
import type { StoredClient, TokenSet } from './token-store.ts';

const version = 1;

/** The stored form of a token set: JSON with a version, so that later releases can read it. */
export function serializeTokenSet(tokens: TokenSet): string {
  return JSON.stringify({ keyhole: version, ...tokens });
}

/** @throws Error saying what is wrong, without quoting the text */
export function parseTokenSet(text: string): TokenSet {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
  if (typeof content !== 'object' || content === null) throw new Error('it is not an object');
  const fields = content as Record<string, unknown>;
  if (fields['keyhole'] !== version) {
    throw new Error(
      `its format is ${JSON.stringify(fields['keyhole'] ?? 'unknown')}; this version reads format ${version}`,
    );
  }
  const required = (name: string): string => {
    const value = fields[name];
    if (typeof value !== 'string' || value === '') throw new Error(`${name} is missing`);
    return value;
  };
  const optional = (name: string): string | undefined =>
    fields[name] === undefined ? undefined : required(name);
  const expiresAt = fields['expiresAt'];
  if (expiresAt !== undefined && typeof expiresAt !== 'number') throw new Error('expiresAt is not a number');
  const { tokenType, proofKey } = fields;
  if (tokenType !== undefined && tokenType !== 'DPoP') throw new Error('tokenType is unknown');
  // Without its key the token is good for nothing.
  if (tokenType === 'DPoP' && proofKey === undefined) throw new Error('proofKey is missing');
  return {
    accessToken: required('accessToken'),
    tokenType,
    proofKey: proofKey === undefined ? undefined : parseProofKey(proofKey),
    refreshToken: optional('refreshToken'),
    refreshTokenId: optional('refreshTokenId'),
    idToken: optional('idToken'),
    expiresAt,
    scope: optional('scope'),
    requestedScope: optional('requestedScope'),
    issuer: required('issuer'),
    resource: optional('resource'),
    client: parseClient(fields['client']),
  };
}

function parseClient(value: unknown): StoredClient | undefined {
  if (value === undefined) return undefined;
  const client = fieldsOf(value);
  const registration = fieldsOf(client['registration']);
  const clientId = textOrNothing(client['clientId']);
  if (clientId === undefined) throw new Error('client has no clientId');
  const redirectUri = textOrNothing(registration['redirectUri']);
  return {
    clientId,
    clientSecret: textOrNothing(client['clientSecret']),
    authenticationMethod: textOrNothing(client['authenticationMethod']),
    registration:
      redirectUri === undefined
        ? undefined
        : {
            redirectUri,
            scope: textOrNothing(registration['scope']),
            clientUri: textOrNothing(registration['clientUri']),
            accessToken: textOrNothing(registration['accessToken']),
          },
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textOrNothing(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
