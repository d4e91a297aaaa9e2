// What stands before FusionAuth, or the server, says something else than they are.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { doctorScene, visit, type DoctorScene } from '../support/doctor-scene.ts';
import { startInterference, startLoopbackServer } from '../support/loopback-server.ts';

let scene: DoctorScene;
beforeAll(async () => {
  scene = await doctorScene();
});
afterAll(() => scene.close());

it('a gateway that does not pass Host on sends clients past itself', async () => {
  const gateway = await startInterference(scene.emulator.url, () => undefined);
  try {
    const question = ['--fusionauth-url', scene.emulator.url, '--public-url', gateway.url];
    const found = await visit(...question, '--ignore', 'issuer-mismatch', '--fix', '--yes');
    expect(found).toMatchObject({ exitCode: 1, codes: ['endpoints-elsewhere'] });
    expect(found.findings[0]?.message).toContain(`names ${scene.emulator.url}/oauth2/authorize`);
    expect(found.findings[0]?.remedy).toContain('X-Forwarded-Host');
  } finally {
    await gateway.close();
  }
});

it('a gateway that rewrites the discovery document, so that nobody learns of PKCE, is found', async () => {
  const path = '/.well-known/openid-configuration';
  const document = await (await fetch(`${scene.emulator.url}${path}`)).text();
  const gateway = await startInterference(scene.emulator.url, (request) => {
    if (request !== `GET ${path}`) return undefined;
    const body = JSON.parse(document.replaceAll(scene.emulator.url, gateway.url)) as Record<string, unknown>;
    return { status: 200, body: { ...body, code_challenge_methods_supported: ['plain'] } };
  });
  try {
    const question = ['--fusionauth-url', scene.emulator.url, '--public-url', gateway.url];
    const found = await visit(...question, '--fix', '--yes');
    expect(found).toMatchObject({ exitCode: 1, codes: ['pkce-not-announced'] });
  } finally {
    await gateway.close();
  }
});

it('a server whose metadata is of another resource and another issuer is found for both', async () => {
  const other = 'https://other.example.com';
  const server = await startLoopbackServer(({ path }) =>
    path === '/mcp'
      ? { status: 401 }
      : {
          status: 200,
          body: { resource: `${other}/mcp`, authorization_servers: [`${scene.emulator.url}/`] },
        },
  );
  try {
    const question = ['--fusionauth-url', scene.emulator.url, '--mcp-server-url', server.url];
    const found = await visit(...question, '--fix', '--yes');
    expect(found).toMatchObject({ exitCode: 1, codes: ['metadata-resource', 'metadata-issuer'] });
    expect(found.findings.map(({ remedy }) => remedy)).toEqual([
      expect.stringContaining(`MCP_SERVER_URL=${server.url},`),
      expect.stringContaining(`FUSIONAUTH_EXTERNAL_URL=${scene.emulator.url},`),
    ]);
  } finally {
    await server.close();
  }
});
