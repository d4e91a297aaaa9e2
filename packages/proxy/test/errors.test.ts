import { describe, expect, it } from 'vitest';
import { errors, ProxyError, type ProxyErrorCode } from '../src/errors.ts';

/** What a hostile server may send: an escape sequence, a bidirectional override, and a line of its own. */
const hostile = 'bad\u001b[2Jness\u202e\nKeyhole: all is well';
const server = new URL('https://mcp.example.com/mcp');
const details = { error: hostile, description: hostile, reason: hostile };

/** A call of every factory; the types make sure that none is left out. */
const samples: { readonly [Name in keyof typeof errors]: () => ProxyError } = {
  urlMissing: () => errors.urlMissing(),
  urlUnusable: () => errors.urlUnusable(hostile, 'why'),
  httpToRemoteHost: () => errors.httpToRemoteHost(server),
  portUnusable: () => errors.portUnusable('0', 'why'),
  surplusArgument: () => errors.surplusArgument(hostile),
  clientInfoUnusable: () => errors.clientInfoUnusable('why'),
  clientIdMissing: () => errors.clientIdMissing(),
  clientTwice: () => errors.clientTwice(),
  grantsExclusive: () => errors.grantsExclusive(['--device-code', '--client-credentials']),
  flagIncomplete: () => errors.flagIncomplete('--client-key', '--static-oauth-client-info'),
  headerUnusable: () => errors.headerUnusable('why'),
  toolMissing: () => errors.toolMissing(),
  argumentsUnusable: () => errors.argumentsUnusable(hostile),
  secretActionUnusable: () => errors.secretActionUnusable(hostile),
  secretNameUnusable: () => errors.secretNameUnusable(hostile),
  secretOnCommandLine: () => errors.secretOnCommandLine(),
  secretValueUnusable: () => errors.secretValueUnusable('why'),
  serverUnreachable: () => errors.serverUnreachable(server, hostile),
  serverSilent: () => errors.serverSilent(server, 60_000),
  serverRedirected: () => errors.serverRedirected(server),
  serverError: () => errors.serverError(server, 500, hostile),
  serverAnswerUnusable: () => errors.serverAnswerUnusable(server, hostile),
  answerLost: () => errors.answerLost(server),
  requestRefused: () => errors.requestRefused(server, -32_602, hostile),
  toolUnknown: () => errors.toolUnknown(server, hostile, 'add'),
  tokenRefused: () => errors.tokenRefused(server),
  scopeMissing: () => errors.scopeMissing(server, hostile),
  bindingExclusive: () => errors.bindingExclusive(),
  tokenNotBound: () => errors.tokenNotBound(server, hostile),
  bindingForbidden: () => errors.bindingForbidden(server),
  proofAlgorithmMissing: () => errors.proofAlgorithmMissing(server, hostile, ['ES256']),
  proofRefused: () => errors.proofRefused(server, hostile),
  resourceMetadataMissing: () => errors.resourceMetadataMissing(server),
  resourceMismatch: () => errors.resourceMismatch(server, hostile),
  authorizationServerUnreachable: () => errors.authorizationServerUnreachable(server, hostile),
  authorizationServerMetadata: () => errors.authorizationServerMetadata(hostile, hostile),
  issuerNotUrl: () => errors.issuerNotUrl(hostile),
  issuerMismatch: () => errors.issuerMismatch(hostile, hostile),
  issuerChanged: () => errors.issuerChanged(hostile, hostile),
  pkceUnsupported: () => errors.pkceUnsupported(hostile),
  insecureEndpoint: () => errors.insecureEndpoint('endpoint', hostile, 'why'),
  clientNotRegistered: () => errors.clientNotRegistered(hostile),
  registrationRejected: () => errors.registrationRejected(hostile, details),
  clientKeyUnusable: () => errors.clientKeyUnusable(hostile),
  credentialUnreadable: () => errors.credentialUnreadable('token', hostile, hostile),
  assertionRefused: () => errors.assertionRefused(hostile, details),
  deviceGrantUnsupported: () => errors.deviceGrantUnsupported(hostile),
  elsewhere: () =>
    errors.elsewhere({ code: 'sign-in-refused', message: 'It was refused.', remedy: 'Try again.' }),
  callbackPortInUse: () => errors.callbackPortInUse(3334),
  callbackHostUnusable: () => errors.callbackHostUnusable(hostile),
  signInNeeded: () => errors.signInNeeded(server, new URL('https://auth.example.com/sign-in')),
  signInRefused: () => errors.signInRefused(server, details),
  signInTimeout: () => errors.signInTimeout(server, 300_000),
  signInBusy: () => errors.signInBusy(server, 330_000),
  signInInvalid: () => errors.signInInvalid(hostile, hostile),
  tokenRequestFailed: () => errors.tokenRequestFailed(hostile, details),
  idTokenMissing: () => errors.idTokenMissing(hostile),
  tokenEndpointUnavailable: () => errors.tokenEndpointUnavailable(hostile, hostile),
  keychainAbsent: () => errors.keychainAbsent('why'),
  keychainLocked: () => errors.keychainLocked(),
  keychainTimeout: () => errors.keychainTimeout(30_000),
  keychainFailed: () => errors.keychainFailed('read', hostile),
  signInUnreadable: () => errors.signInUnreadable(hostile, hostile),
  passphraseMissing: () => errors.passphraseMissing(hostile),
  passphraseWrong: () => errors.passphraseWrong(hostile),
  secretMissing: () => errors.secretMissing(hostile, 'file'),
  secretUnreadable: () => errors.secretUnreadable(hostile, hostile),
  importMissing: () => errors.importMissing(server, hostile, 2),
  importRefused: () => errors.importRefused(server, hostile),
  stateFolderUnusable: () => errors.stateFolderUnusable(hostile, hostile),
  memoryStoreRefused: () => errors.memoryStoreRefused(),
  toolHidden: () => errors.toolHidden(hostile),
  messageUnreadable: () => errors.messageUnreadable(hostile),
  inputNotGiven: () => errors.inputNotGiven(server, hostile, 600_000),
  inputEndless: () => errors.inputEndless(server, 32),
  shuttingDown: () => errors.shuttingDown(),
};

/** Every code; the types make sure that none is left out. */
const codes: Readonly<Record<ProxyErrorCode, true>> = {
  usage: true,
  'server-unreachable': true,
  'server-redirected': true,
  'server-error': true,
  'server-answer-unusable': true,
  'answer-lost': true,
  'request-refused': true,
  'tool-unknown': true,
  'tool-hidden': true,
  'token-refused': true,
  'scope-missing': true,
  'proof-refused': true,
  'binding-impossible': true,
  'resource-metadata-missing': true,
  'resource-mismatch': true,
  'authorization-server-unreachable': true,
  'authorization-server-metadata': true,
  'issuer-mismatch': true,
  'issuer-changed': true,
  'pkce-unsupported': true,
  'insecure-endpoint': true,
  'client-not-registered': true,
  'client-key-unusable': true,
  'credential-unreadable': true,
  'assertion-refused': true,
  'registration-rejected': true,
  'device-grant-unsupported': true,
  'callback-port-in-use': true,
  'callback-host-unusable': true,
  'sign-in-needed': true,
  'sign-in-refused': true,
  'sign-in-timeout': true,
  'sign-in-busy': true,
  'sign-in-invalid': true,
  'token-request-failed': true,
  'token-endpoint-unavailable': true,
  'keychain-absent': true,
  'keychain-locked': true,
  'keychain-timeout': true,
  'keychain-failed': true,
  'sign-in-unreadable': true,
  'passphrase-missing': true,
  'passphrase-wrong': true,
  'secret-missing': true,
  'secret-unreadable': true,
  'import-missing': true,
  'import-refused': true,
  'state-folder-unusable': true,
  'memory-store-refused': true,
  'message-unreadable': true,
  'input-missing': true,
  'shutting-down': true,
};

describe('errors', () => {
  it('has a factory for every code, and none for another', () => {
    expect(Object.keys(samples).sort()).toEqual(Object.keys(errors).sort());
    const made = new Set(Object.values(samples).map((make) => make().code));
    expect([...made].sort()).toEqual(Object.keys(codes).sort());
  });

  it.each(Object.entries(samples))(
    '%s says what happened and what to do, in full sentences',
    (_name, make) => {
      const error = make();
      expect(error).toBeInstanceOf(ProxyError);
      expect(error.message).toMatch(/^\S.*\.$/u);
      expect(error.remedy).toMatch(/^\S.*\.$/u);
      expect(error.exitCode).toBe(error.code === 'usage' ? 2 : 1);
    },
  );

  it.each(Object.entries(samples))(
    '%s shows text from elsewhere on one line, without control characters',
    (_name, make) => {
      // eslint-disable-next-line no-control-regex -- control characters are what must not be there
      expect(make().message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/u);
    },
  );

  it.each([
    ['client_authentication_missing', 'demands a client secret'],
    ['consent_canceled', 'allow the access'],
    ['access_denied', 'allow the access'],
    ['invalid_target', 'authorized resource URIs'],
    ['unknown_scope', 'scopes of the application'],
    ['invalid_redirect_uri', 'authorized redirect URLs'],
    ['invalid_client', 'Check client_id and client_secret'],
    ['temporarily_unavailable', 'Try again'],
  ])('knows the way out of %s, as reason and as error', (word, remedy) => {
    expect(errors.tokenRequestFailed('https://a', { error: 'x', reason: word }).remedy).toContain(remedy);
    expect(errors.signInRefused(server, { error: word }).remedy).toContain(remedy);
  });
});
