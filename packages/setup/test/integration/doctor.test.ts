// What the doctor looks at beside what is broken in one way (doctor-fix.test.ts): what the server asks for, what it may do, and
// what it does not see.
import { startEmulator } from '@mcp-keyhole/fusionauth-emulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { doctorScene, visit, type DoctorScene } from '../support/doctor-scene.ts';
import { startLoopbackServer, type LoopbackServer } from '../support/loopback-server.ts';

let scene: DoctorScene;
beforeAll(async () => {
  scene = await doctorScene();
});
afterAll(() => scene.close());

/** A server that is not ours: what its metadata says beside the resource, and its challenge. */
function foreignServer(metadata: object, challenge: Record<string, string> = {}): Promise<LoopbackServer> {
  return startLoopbackServer(({ path, headers: { host = '' } }) =>
    path === '/mcp'
      ? { status: 401, headers: challenge }
      : {
          status: 200,
          body: {
            resource: `http://${host}/mcp`,
            authorization_servers: [scene.emulator.url],
            scopes_supported: ['openid'],
            ...metadata,
          },
        },
  );
}

describe('of a client', () => {
  const scopes_supported = ['openid', 'profile', 'get_name', 'set_greeting', 'countdown'];
  const challenge = { 'www-authenticate': 'Bearer scope="openid profile get_name", resource_metadata="x"' };

  it.each([
    {
      title: 'lacks scopes of both kinds',
      lacks: ['get_name', 'countdown'],
      finds: ['client-scope', 'client-tool-scope'],
    },
    {
      title: 'lacks a scope, and no challenge says when it is asked for',
      lacks: ['countdown'],
      finds: ['client-scope'],
      challenge: {},
    },
  ])('that $title finds that, and mends it', async ({ title, lacks, finds, ...row }) => {
    const server = await foreignServer({ scopes_supported }, row.challenge ?? challenge);
    try {
      const wanted = ['get_name', 'set_greeting', 'countdown', 'other'].filter(
        (scope) => !lacks.includes(scope),
      );
      const scopes = wanted.flatMap((scope) => ['--oauth-scope', scope]);
      const clientId = await scene.registered(title, '--mcp-server-url', server.url, ...scopes);
      const question = ['--client-id', clientId, '--mcp-server-url', server.url];
      expect((await scene.visit(...question)).codes).toEqual(finds);
      expect(await scene.visit(...question, '--fix', '--yes')).toMatchObject({ exitCode: 0, codes: [] });
    } finally {
      await server.close();
    }
  });

  it('without a resource, where no server is named, says so and leaves it', async () => {
    const clientId = await scene.registered('No resource');
    await scene.admin('PATCH', `/api/application/${clientId}`, {
      application: { oauthConfiguration: { authorizedResourceUris: [] } },
    });
    const question = ['--fusionauth-url', scene.emulator.url, '--client-id', clientId, '--fix', '--yes'];
    expect(await visit(...question)).toMatchObject({ exitCode: 1, codes: ['client-resource'] });
  });

  it('is not changed without consent', async () => {
    const clientId = await scene.registered('Left alone');
    await scene.admin('PATCH', `/api/application/${clientId}`, {
      application: { oauthConfiguration: { generateRefreshTokens: false } },
    });
    await expect(scene.visit('--client-id', clientId, '--fix')).rejects.toMatchObject({
      code: 'confirmation-missing',
    });
    expect((await scene.visit('--client-id', clientId)).codes).toEqual(['client-without-refresh-tokens']);
  });
});

it('without a key that FusionAuth takes, what is public is found, and nothing changed', async () => {
  const emulator = await startEmulator({ port: 0, issuer: 'acme.com' });
  try {
    const question = ['--fusionauth-url', emulator.url, '--api-key', 'not-the-key', '--fix', '--yes'];
    const found = await visit(...question);
    expect(found).toMatchObject({ exitCode: 1, codes: ['api-key-refused', 'issuer-mismatch'] });
    expect(found.unseen.map(({ code }) => code)).toContain('license-missing');
    expect(emulator.requests.filter(({ method }) => method === 'PATCH')).toEqual([]);
  } finally {
    await emulator.close();
  }
});

it('a finding that is so on purpose is ignored', async () => {
  const clientId = await scene.registered('First party');
  await scene.admin('PATCH', `/api/application/${clientId}`, {
    application: { oauthConfiguration: { relationship: 'FirstParty' } },
  });
  const question = ['--client-id', clientId, '--ignore', 'client-consent'];
  expect(await scene.visit(...question)).toMatchObject({ exitCode: 0, codes: [] });
});

describe('at a server that takes only tokens which are bound to a key (DPoP)', () => {
  it.each([
    ['of a FusionAuth that issues none', false, true],
    ['of one that does', true, false],
  ])('%s', async (_title, licensed, finds) => {
    const emulator = await startEmulator({ port: 0, licensed });
    const server = await foreignServer({ dpop_bound_access_tokens_required: true });
    try {
      const { codes } = await visit('--fusionauth-url', emulator.url, '--mcp-server-url', server.url);
      expect(codes.includes('binding-impossible')).toBe(finds);
    } finally {
      await server.close();
      await emulator.close();
    }
  });
});
