import { describe, expect, it } from 'vitest';
import { examineClient } from '../src/commands/doctor-client.ts';
import type { Finding } from '../src/commands/finding.ts';
import { loadConfig } from '../src/config.ts';
import { readCredentialIn } from './support/sign-in-settings.ts';
import { signingKey } from './support/signed-jwt.ts';

const issuer = 'https://login.example.com';
const key = signingKey();
const client = ['--static-oauth-client-info', '{"client_id":"service-1"}'];
const withKey = [...client, '--client-key', 'env:KEY'];

/** What the doctor says of the client, with these flags, at an authorization server with this metadata. */
async function examine(
  argv: readonly string[],
  environment: Record<string, string> = {},
  metadata: Record<string, unknown> = {},
): Promise<Finding[]> {
  const invocation = loadConfig(['https://mcp.example.com/mcp', ...argv], environment);
  if (invocation.show !== 'nothing') throw new Error('there is no configuration');
  const authorizationServer = { issuer, token_endpoint: `${issuer}/token`, ...metadata };
  const discovery = { resource: undefined, authorizationServer };
  const findings: Finding[] = [];
  for await (const finding of examineClient(discovery, invocation.config, readCredentialIn(environment)))
    findings.push(finding);
  return findings;
}

describe('doctor, on what the client authenticates with,', () => {
  it('says nothing where nothing was chosen', async () => {
    expect(await examine(client)).toEqual([]);
  });

  it.each([
    ['a key that fits', {}, 'fine', 'private_key_jwt with ES256'],
    [
      'a method that is not announced',
      { token_endpoint_auth_methods_supported: ['none'] },
      'warning',
      'none',
    ],
    [
      'an algorithm that is not announced',
      { token_endpoint_auth_signing_alg_values_supported: ['RS256'] },
      'warning',
      'with ES256, which the authorization server does not announce: RS256',
    ],
  ])('finds %s', async (_what, metadata, outcome, words) => {
    const findings = await examine(withKey, { KEY: key.pem }, metadata);
    expect(findings).toMatchObject([{ step: 'client-authentication', outcome }]);
    expect(findings[0]?.detail).toContain(words);
  });

  it('finds a key that is not there, or is none, and quotes nothing', async () => {
    expect(await examine(withKey)).toMatchObject([{ outcome: 'wrong' }]);
    const [finding] = await examine(withKey, { KEY: 'hunter2' });
    expect(finding).toMatchObject({ outcome: 'wrong' });
    expect(JSON.stringify(finding)).not.toContain('hunter2');
  });
});

describe('doctor, on an identity provider,', () => {
  const flags = [
    '--identity-provider',
    'https://idp.example',
    '--identity-provider-client',
    '{"client_id":"a"}',
  ];
  const profile = 'urn:ietf:params:oauth:grant-profile:id-jag';

  it.each([
    ['one that takes its grants', { authorization_grant_profiles_supported: [profile] }, 'fine'],
    ['one that does not announce it', { grant_types_supported: ['authorization_code'] }, 'warning'],
  ])('finds an authorization server: %s', async (_what, metadata, outcome) => {
    expect(await examine([...client, ...flags], {}, metadata)).toMatchObject([{ step: 'id-jag', outcome }]);
  });
});

describe('doctor, on the token of a workload,', () => {
  const claims = { iss: 'https://platform.example', sub: 'workload-1', aud: issuer };
  const look = (changes: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}) =>
    examine(['--workload-token', 'env:TOKEN'], { TOKEN: key.jwt({ ...claims, ...changes }) }, metadata);

  it.each([
    ['one that fits', {}, {}, 'fine', 'from https://platform.example, subject workload-1'],
    ['one for the token endpoint', { aud: [`${issuer}/token`] }, {}, 'fine', 'audience'],
    ['one that has ended', { exp: 1_000 }, {}, 'warning', 'it ended 1970'],
    ['one for another audience', { aud: 'https://other.example' }, {}, 'warning', 'https://other.example'],
    ['a grant that is not announced', {}, { grant_types_supported: ['password'] }, 'warning', 'jwt-bearer'],
  ])('finds %s', async (_what, changes, metadata, outcome, words) => {
    const findings = await look(changes, metadata);
    expect(findings).toMatchObject([{ step: 'workload-token', outcome }]);
    expect(findings[0]?.detail).toContain(words);
  });

  it('finds what is no JWT, and does not quote it', async () => {
    const [finding] = await examine(['--workload-token', 'env:TOKEN'], { TOKEN: 'hunter2' });
    expect(finding).toMatchObject({ outcome: 'wrong' });
    expect(JSON.stringify(finding)).not.toContain('hunter2');
  });
});
