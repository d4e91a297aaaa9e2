import { describe, expect, it } from 'vitest';
import { planClient, type ClientSettings } from '../src/authorization/client-registration.ts';
import type { StoredClient } from '../src/token-store/token-store.ts';
import { refusalOf } from './support/failure.ts';

const issuer = 'https://login.example.com';
const registers = { registration_endpoint: `${issuer}/register` };
const takesDocuments = { client_id_metadata_document_supported: true };
const document = new URL('https://client.example.com/keyhole.json');
const none: ClientSettings = {
  client: undefined,
  clientMetadataUrl: undefined,
  clientMetadata: undefined,
  deviceCode: false,
};
const byHand: ClientSettings = { ...none, client: { clientId: 'client-1', scope: 'a' } };
const byDocument: ClientSettings = { ...none, clientMetadataUrl: document };
const both: ClientSettings = { ...byHand, ...byDocument, client: byHand.client };
const registered: StoredClient = {
  clientId: 'dynamic-1',
  clientSecret: 'secret-1',
  registration: { redirectUri: 'http://localhost:3334/oauth/callback' },
};

const plan = (
  settings: ClientSettings,
  metadata: Readonly<Record<string, unknown>>,
  stored?: { issuer: string; client?: StoredClient },
) => planClient(settings, { issuer, ...metadata }, stored);

describe('the client', () => {
  it.each([
    ['registered by hand before all else', both, { ...registers, ...takesDocuments }, 'pre-registered'],
    ['registered by hand where nothing else is possible', byHand, {}, 'pre-registered'],
    [
      'its metadata document before a registration',
      byDocument,
      { ...registers, ...takesDocuments },
      'metadata-document',
    ],
    ['registered by itself where documents are not taken', byDocument, registers, 'dynamic'],
    [
      'registered by itself where documents are only talked about',
      byDocument,
      { ...registers, client_id_metadata_document_supported: 'true' },
      'dynamic',
    ],
    ['registered by itself without a document', none, { ...registers, ...takesDocuments }, 'dynamic'],
  ] as const)('is %s', (_what, settings, metadata, kind) => {
    expect(plan(settings, metadata).kind).toBe(kind);
  });

  it.each([
    ['without anything', none, {}],
    ['with documents taken but none published', none, takesDocuments],
    ['with a document published but not taken', byDocument, {}],
  ])('is an error %s', async (_what, settings, metadata) => {
    const { code, message } = await refusalOf(() => plan(settings, metadata));
    expect(code).toBe('client-not-registered');
    expect(message).toContain(issuer);
  });

  it('registered by hand is an error where the server has moved to another authorization server', async () => {
    const before = 'https://old.example.com';
    const { code, message } = await refusalOf(() => plan(byHand, registers, { issuer: before }));
    expect(code).toBe('issuer-changed');
    expect(message).toContain(before);
    expect(message).toContain(issuer);
    expect(plan(byHand, registers, { issuer }).kind).toBe('pre-registered');
  });

  it('that registers itself does so anew there', () => {
    expect(plan(none, registers, { issuer: 'https://old.example.com', client: registered })).toMatchObject({
      kind: 'dynamic',
      known: undefined,
    });
  });

  it('has its metadata document’s URL as id, exactly, and the scope that is pinned', () => {
    expect(plan({ ...byDocument, clientMetadata: { scope: 'a b' } }, takesDocuments)).toEqual({
      kind: 'metadata-document',
      client: { clientId: 'https://client.example.com/keyhole.json', scope: 'a b' },
    });
  });

  it('registered by hand ignores what an earlier sign-in left', () => {
    expect(plan(byHand, registers, { issuer, client: registered })).toEqual({
      kind: 'pre-registered',
      client: { clientId: 'client-1', scope: 'a' },
    });
  });
});

describe('an earlier registration', () => {
  const known = (stored: Parameters<typeof plan>[2], settings = none) => {
    const found = plan(settings, registers, stored);
    return found.kind === 'dynamic' ? found.known : expect.unreachable();
  };

  it('is known again at the same issuer', () => {
    expect(known({ issuer, client: registered })).toEqual({ ...registered, scope: undefined });
  });

  it('keeps to the scope that is pinned, which is not stored with it', () => {
    expect(known({ issuer, client: registered }, { ...none, clientMetadata: { scope: 'a b' } })?.scope).toBe(
      'a b',
    );
  });

  it.each([
    ['another issuer', { issuer: 'https://evil.example.com', client: registered }],
    ['an issuer that differs by a slash', { issuer: `${issuer}/`, client: registered }],
    ['a sign-in without a client of its own', { issuer }],
    ['a metadata document', { issuer, client: { clientId: document.href } }],
    ['nobody', undefined],
  ])('is not taken from %s', (_what, stored) => {
    expect(known(stored)).toBeUndefined();
  });
});
