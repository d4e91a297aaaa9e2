import { afterEach, describe, expect, it } from 'vitest';
import { applicationOf, applicationScopeOf } from '../../src/clients/application.ts';
import { redirectUrls, scopeNamed } from '../../src/clients/client.ts';
import { connectFusionAuth, type FusionAuth } from '../../src/fusionauth.ts';
import { startLoopbackServer, type CannedAnswer, type LoopbackServer } from '../support/loopback-server.ts';

const id = '9436b02d-9305-4772-a237-5fabcf6e7f6a';
const client = { name: 'Cursor', redirectUrls: redirectUrls(3334), resources: ['http://localhost:8000/mcp'] };
const application = { application: applicationOf({ ...client, scopes: [], confidential: false }, {}) };
const scope = { scope: applicationScopeOf(scopeNamed('get_name')) };

let server: LoopbackServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** A FusionAuth that gives these answers by path, to every other path the first one. */
async function answering(
  answers: Record<string, CannedAnswer | 'silence'>,
  deadline = 5_000,
): Promise<FusionAuth> {
  server = await startLoopbackServer(
    ({ path }) => answers[path] ?? Object.values(answers)[0] ?? { status: 404 },
  );
  return connectFusionAuth({ url: server.url, apiKey: 'key', deadline });
}

describe('FusionAuth', () => {
  it('runs when its status is JSON', async () => {
    await expect(
      (await answering({ '/api/status': { status: 200, body: { status: 'ok' } } })).checkRunning(),
    ).resolves.toBeUndefined();
  });

  it('is not running where nothing listens', async () => {
    server = await startLoopbackServer(() => 'silence');
    const { url } = server;
    await server.close();
    await expect(connectFusionAuth({ url, apiKey: 'key' }).checkRunning()).rejects.toMatchObject({
      code: 'fusionauth-unreachable',
      message: `FusionAuth is not running at ${url} (ECONNREFUSED).`,
    });
  });

  it('is not what answers with a web page, with broken JSON, or knows no such path', async () => {
    for (const answer of [
      { status: 200, body: '<html>Welcome to nginx!</html>' },
      { status: 404, body: '<html>Not found</html>' },
      { status: 200, body: '{"status":', type: 'application/json' },
      { status: 404, body: { error: 'no such route' } },
      { status: 401 },
      { status: 400, body: '"no"', type: 'application/json' },
    ]) {
      await expect((await answering({ '/': answer })).checkRunning()).rejects.toMatchObject({
        code: 'not-fusionauth',
      });
      await server?.close();
    }
  });

  it('gets a deadline for every call', async () => {
    const fusionAuth = await answering({ '/': 'silence' }, 50);
    const calls = [
      fusionAuth.checkRunning(),
      fusionAuth.checkApiKey(),
      fusionAuth.createApplication(id, application),
      fusionAuth.createScope(id, id, scope),
      fusionAuth.listApplications(),
      fusionAuth.findApplication('Cursor'),
      fusionAuth.readApplication(id),
      fusionAuth.patchApplication(id, {}),
      fusionAuth.reactivateApplication(id),
      fusionAuth.changeScope(id, id, scope),
      fusionAuth.removeScope(id, id),
      fusionAuth.findUser('a@example.com'),
      fusionAuth.register(id, id),
      fusionAuth.removeApplication(id),
    ];
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'fusionauth-timeout' } });
    }
  });

  it('refuses a wrong API key with an empty 401', async () => {
    const fusionAuth = await answering({ '/api/application/search': { status: 401 } });
    await expect(fusionAuth.checkApiKey()).rejects.toMatchObject({ code: 'api-key-refused', exitCode: 1 });
  });

  it('says when it is starting or broken', async () => {
    for (const status of [500, 503]) {
      await expect((await answering({ '/': { status } })).checkRunning()).rejects.toMatchObject({
        code: 'fusionauth-failed',
      });
      await server?.close();
    }
  });

  it.each([
    ['notLicensed', 'You must activate the Reactor using a valid license'],
    ['notLicensedFor', 'This feature is not enabled for your license'],
  ])('says that a license is missing ([%s])', async (code, message) => {
    const field = 'application.oauthConfiguration.relationship';
    const fusionAuth = await answering({
      '/': { status: 400, body: { fieldErrors: { [field]: [{ code: `[${code}]${field}`, message }] } } },
    });
    const refusal = { code: 'unlicensed', message: expect.stringContaining(message) as string };
    await expect(fusionAuth.createApplication(id, application)).rejects.toMatchObject(refusal);
    await expect(fusionAuth.createScope(id, id, scope)).rejects.toMatchObject(refusal);
  });

  it('asks for the tenant when there are several', async () => {
    const fusionAuth = await answering({
      '/': {
        status: 400,
        body: { generalErrors: [{ code: '[TenantIdRequired]', message: 'Give a tenant.' }] },
      },
    });
    await expect(fusionAuth.createApplication(id, application)).rejects.toMatchObject({
      code: 'tenant-refused',
      remedy: expect.stringContaining('--tenant-id') as string,
    });
  });

  it('is quoted when it rejects something else', async () => {
    const field = 'application.oauthConfiguration.authorizedResourceUris';
    const fusionAuth = await answering({
      '/': {
        status: 400,
        body: { fieldErrors: { [field]: [{ code: `[invalid]${field}`, message: 'Bad\u001b[2J URI.' }] } },
      },
    });
    await expect(fusionAuth.createApplication(id, application)).rejects.toMatchObject({
      code: 'fusionauth-rejected',
      message: 'FusionAuth rejected the request (while creating the application): Bad URI.',
    });
  });
});

describe('a name that is taken', () => {
  const taken: CannedAnswer = {
    status: 400,
    body: {
      fieldErrors: { 'application.name': [{ code: '[duplicate]application.name', message: 'It exists.' }] },
    },
  };

  it('is told with the client id that has it', async () => {
    const fusionAuth = await answering({
      [`/api/application/${id}`]: taken,
      '/api/application/search': {
        status: 200,
        body: {
          applications: [
            { id: 'other', name: 'Cursor 2' },
            { id: 'the-id', name: 'CURSOR' },
          ],
        },
      },
    });
    await expect(fusionAuth.createApplication(id, application)).rejects.toMatchObject({
      code: 'name-taken',
      message: 'An application named "Cursor" exists already (client id the-id).',
    });
  });

  it('is told also when the search for that client id fails', async () => {
    const fusionAuth = await answering({
      [`/api/application/${id}`]: taken,
      '/api/application/search': { status: 500 },
    });
    await expect(fusionAuth.createApplication(id, application)).rejects.toMatchObject({
      code: 'name-taken',
      message: 'An application named "Cursor" exists already.',
    });
  });
});

describe('what does not exist', () => {
  it('is no failure when it is looked for or removed', async () => {
    const fusionAuth = await answering({ '/': { status: 404 } });
    await expect(fusionAuth.findUser('a@example.com')).resolves.toBeUndefined();
    await expect(fusionAuth.removeApplication(id)).resolves.toBeUndefined();
  });

  it('is one when a user is registered to it', async () => {
    const fusionAuth = await answering({ '/': { status: 404 } });
    await expect(fusionAuth.register(id, id)).rejects.toMatchObject({
      code: 'fusionauth-rejected',
      message: 'FusionAuth rejected the request (while registering the test user): HTTP 404.',
    });
  });
});
