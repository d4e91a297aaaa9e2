import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hosts } from '../../src/hosts/host-list.ts';
import { ownClients } from '../../src/clients/clients.ts';
import { command } from '../../src/commands/configure.ts';
import { printed } from '../../src/hosts/configuration.ts';
import { connectFusionAuth } from '../../src/fusionauth.ts';
import { thisMachine } from '../../src/hosts/machine.ts';
import { findPortalClient } from '../../src/portal/portal-client.ts';
import { configOf } from '../support/config.ts';
import { mcpServerUrl, portalScene, textOf, users, type PortalScene } from '../support/portal-scene.ts';

interface Applications {
  applications: { id: string; name: string; data?: { mcpKeyhole?: object } }[];
}

let scene: PortalScene;
beforeAll(async () => {
  scene = await portalScene();
});
afterAll(() => scene.close());

/** A scene for one test, where it is not the common one. */
async function ownScene(options?: Parameters<typeof portalScene>[0]): Promise<PortalScene> {
  const own = await portalScene(options);
  onTestFinished(() => own.close());
  return own;
}

async function namesOf({ admin }: PortalScene): Promise<string[]> {
  return (await admin<Applications>('GET', '/api/application')).applications.map(({ name }) => name);
}

/** What `configure --print` says. */
function printedFor(host: string, clientId: string, platform: string): string {
  const config = configOf(
    command,
    [
      ...[
        host,
        `${mcpServerUrl}/mcp`,
        '--client-id',
        clientId,
        '--port',
        '3334',
        '--print',
        '--platform',
        platform,
      ],
      ...['openid', 'profile', 'offline_access', 'get_name'].flatMap((scope) => ['--oauth-scope', scope]),
    ],
    { MCP_KEYHOLE_DIR: '/nowhere' },
  );
  const person = { write: () => undefined, colours: false, confirm: undefined, progress: undefined as never };
  return printed(config, { machine: thisMachine({}, '/nowhere'), folder: '/nowhere', person }).text;
}

describe('the scopes that the portal is told', () => {
  it('are what a client gets and asks for, and no others', async () => {
    const own = await ownScene({ scopes: ['read', 'write'] });
    const ada = own.visitor();
    await ada.signIn(users.test);
    const { url, text } = await ada.register('With scopes of its own');
    const id = url.pathname.replace('/clients/', '');
    const { application } = await own.admin<{ application: { scopes: { name: string }[] } }>(
      'GET',
      `/api/application/${id}`,
    );
    expect(application.scopes.map(({ name }) => name)).toEqual(['read', 'write']);
    expect(text).toContain('--oauth-scope read --oauth-scope write');
    expect(text).not.toContain('get_name');
  });
});

describe('a developer', () => {
  it('signs in, registers a client, sees it, and removes it', async () => {
    const ada = scene.visitor();
    expect((await ada.open('/')).text).toContain('Sign in with FusionAuth');
    const empty = await ada.signIn(users.test);
    expect(empty.url.pathname).toBe('/');
    expect(empty.text).toContain('You have none yet.');
    expect(empty.text).toContain('test@example.com');

    const page = await ada.register('Cursor of Ada', { port: '4000' });
    const id = page.url.pathname.replace('/clients/', '');
    expect(page.text).toContain('Registered Cursor of Ada.');
    expect((await ada.open(page.url.pathname)).text).not.toContain('Registered Cursor of Ada.');
    const { application } = await scene.admin<{ application: object }>('GET', `/api/application/${id}`);
    expect(application).toMatchObject({
      name: 'Cursor of Ada',
      data: { mcpKeyhole: { owner: '00000000-0000-0000-0000-000000000001', host: 'cursor' } },
      scopes: [{ name: 'get_name' }, { name: 'set_greeting' }, { name: 'countdown' }],
      oauthConfiguration: {
        authorizedRedirectURLs: expect.arrayContaining(['http://localhost:4000/oauth/callback']) as string[],
        authorizedResourceUris: [`${mcpServerUrl}/mcp`],
        clientAuthenticationPolicy: 'NotRequired',
      },
    });
    expect((await ada.open('/')).text).toMatch(/Cursor · .*port 4000/u);

    const gone = await ada.submit(await ada.open(`/clients/${id}/remove`));
    expect(gone.text).toContain('Removed Cursor of Ada.');
    expect(await namesOf(scene)).not.toContain('Cursor of Ada');
    expect(scene.log()).toContain(`removed a client user=00000000-0000-0000-0000-000000000001 client=${id}`);
  });

  it('gets the configuration that configure prints, for each host and platform', async () => {
    const ada = scene.visitor();
    await ada.signIn(users.test);
    const { url } = await ada.register('Any');
    const id = url.pathname.replace('/clients/', '');
    for (const { id: host } of hosts) {
      for (const platform of ['darwin', 'win32']) {
        const page = await ada.open(`${url.pathname}?host=${host}&platform=${platform}`);
        expect(textOf(page, 'configuration')).toBe(printedFor(host, id, platform).trimEnd());
      }
    }
    const page = await ada.open(`${url.pathname}?host=claude-desktop&platform=win32`);
    expect(page.text).toContain(String.raw`%APPDATA%\Claude\claude_desktop_config.json`);
    expect(textOf(page, 'command')).toContain(
      `configure claude-desktop ${mcpServerUrl}/mcp --client-id ${id}`,
    );
  });

  it('registers a client for a connector, and sees its secret once', async () => {
    const ada = scene.visitor();
    await ada.signIn(users.test);
    const page = await ada.register('Claude on the web', { host: 'for-claude.ai' });
    const id = page.url.pathname.replace('/clients/', '');
    const { application } = await scene.admin<{
      application: { oauthConfiguration: { clientSecret: string } };
    }>('GET', `/api/application/${id}`);
    expect(application.oauthConfiguration).toMatchObject({
      authorizedRedirectURLs: expect.arrayContaining(['https://claude.ai/api/mcp/auth_callback']) as string[],
      clientAuthenticationPolicy: 'Required',
    });
    const { clientSecret } = application.oauthConfiguration;
    expect(textOf(page, 'client-secret')).toBe(clientSecret);
    expect(textOf(page, 'client-id')).toBe(id);
    const again = await ada.open(page.url.pathname);
    expect(again.text).not.toContain(clientSecret);
    expect(again.text).toContain('Its client secret was shown when it was registered.');
    expect(scene.log()).not.toContain(clientSecret);
    await ada.submit(await ada.open(`/clients/${id}/remove`));
  });

  it('is brought to the page that was asked for, and nowhere else', async () => {
    const { visitor, url } = scene;
    const ada = visitor();
    expect((await ada.open('/clients/new')).text).toContain('/sign-in?to=%2Fclients%2Fnew');
    expect((await ada.signIn(users.test, '/sign-in?to=%2Fclients%2Fnew')).url.pathname).toBe('/clients/new');
    for (const to of ['//evil.example', 'https://evil.example', '/\\evil.example', '/sign-out']) {
      const page = await visitor().signIn(users.test, `/sign-in?to=${encodeURIComponent(to)}`);
      expect(page.url.href).toBe(`${url}/`);
    }
  });

  it('is told what is wrong with a form, and keeps what was typed', async () => {
    const ada = scene.visitor();
    await ada.signIn(users.test);
    const before = await namesOf(scene);
    const page = await ada.register('a\u202Eb', { port: '70000', host: 'netscape' });
    expect(page.status).toBe(422);
    for (const said of [
      'A name is one line of ordinary text.',
      'A port is a whole number',
      'Choose a host.',
    ]) {
      expect(page.text).toContain(said);
    }
    expect(page.text).toContain('value="70000"');
    expect((await ada.register(' ')).text).toContain('Give the client a name.');
    expect((await ada.register('x'.repeat(81))).text).toContain('A name has 80 characters at most.');
    expect(await namesOf(scene)).toEqual(before);
  });

  it('may not take a name that exists, and is not told whose it is', async () => {
    const [ada, bob] = [scene.visitor(), scene.visitor()];
    await ada.signIn(users.test);
    const { url } = await ada.register('Taken');
    await bob.signIn(users.admin);
    const page = await bob.register('taken');
    expect(page.status).toBe(409);
    expect(page.text).toContain('A client of that name exists already.');
    expect(page.text).toContain('value="taken"');
    expect(page.text).not.toContain(url.pathname.replace('/clients/', ''));
  });

  it('may have only so many clients, even when two are sent at once', async () => {
    const scene = await ownScene({ maxClients: 2 });
    const [ada, bob] = [scene.visitor(), scene.visitor()];
    await ada.signIn(users.test);
    await ada.register('One');
    const pages = await Promise.all([ada.register('Two'), ada.register('Three')]);
    expect(pages.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await ada.open('/')).text).toContain('remove one that you do not use');
    await bob.signIn(users.admin);
    expect((await bob.register('Four')).status).toBe(200);
  });
});

describe("another user's client", () => {
  it('is not there: not to be listed, seen or removed', async () => {
    const [ada, bob] = [scene.visitor(), scene.visitor()];
    await ada.signIn(users.test);
    const { url } = await ada.register('Of Ada');
    await bob.signIn(users.admin);
    const own = await bob.register('Of Bob');

    expect((await bob.open('/')).text).not.toContain('Of Ada');
    const foreign = await bob.open(url.pathname);
    const absent = await bob.open('/clients/00000000-0000-0000-0000-00000000dead');
    expect([foreign.status, foreign.text]).toEqual([404, absent.text]);
    expect((await bob.open(`${url.pathname}/remove`)).status).toBe(404);
    // His own form, token and all, sent to her client.
    const form = await bob.open(`${own.url.pathname}/remove`);
    const sent = await bob.submit({ ...form, text: form.text.replaceAll(own.url.pathname, url.pathname) });
    expect(sent.status).toBe(404);
    expect(await namesOf(scene)).toContain('Of Ada');
    expect((await ada.open(url.pathname)).status).toBe(200);
  });

  it('is no more reached by an application that nobody registered here, or by what is no id', async () => {
    const ada = scene.visitor();
    await ada.signIn(users.test);
    for (const id of [
      '3c219e58-ed0e-4b18-ad48-f4f92793ae32',
      scene.client.clientId,
      '..%2Fuser',
      '%00',
      'new%2F',
    ]) {
      expect((await ada.open(`/clients/${id}`)).status).toBe(404);
    }
    expect((await ada.open('/clients/%zz')).status).toBe(400);
  });
});

describe('a form', () => {
  it('counts only with the token of its own session', async () => {
    const [ada, bob] = [scene.visitor(), scene.visitor()];
    await ada.signIn(users.test);
    await bob.signIn(users.admin);
    const form = await ada.open('/clients/new');
    const values = { name: 'Forged', host: 'cursor', port: '3334' };
    const [, foreign = ''] = /name="csrf" value="([^"]+)"/u.exec((await bob.open('/clients/new')).text) ?? [];
    for (const csrf of ['', 'x', foreign]) {
      const page = await ada.submit(form, { ...values, csrf });
      expect(page.status).toBe(403);
      expect(page.text).toContain('This form is out of date');
    }
    expect((await ada.submit(form, { csrf: foreign }).catch(() => undefined))?.status).toBe(403);
    expect(await namesOf(scene)).not.toContain('Forged');
    expect((await ada.submit(form, values)).status).toBe(200);
  });

  it('of signing out counts only with it too, and ends the session at the server', async () => {
    const ada = scene.visitor();
    const home = await ada.signIn(users.test);
    expect((await ada.portal.submit(home, { csrf: 'x' })).status).toBe(403);
    const cookie = ada.cookies();
    const out = await ada.portal.submit(home, {});
    expect(out.text).toContain('You are signed out');
    expect(out.text).toContain(`/oauth2/logout?client_id=${scene.client.clientId}`);
    const kept = await fetch(`${scene.url}/`, { headers: { cookie } });
    expect(await kept.text()).toContain('Sign in with FusionAuth');
  });

  it('is refused when it is too large or none', async () => {
    const { url, visitor } = scene;
    await visitor().signIn(users.test);
    const post = (body: string, type: string): Promise<Response> =>
      fetch(`${url}/clients`, { method: 'POST', body, headers: { 'content-type': type } });
    const form = 'application/x-www-form-urlencoded';
    expect((await post(`name=${'x'.repeat(5_000)}`, form)).status).toBe(413);
    expect((await post('a=1&'.repeat(20), form)).status).toBe(413);
    expect((await post('name=x', `${form}; charset=utf-7`)).status).toBe(415);
    expect((await post('{}', 'application/json')).status).toBe(403);
  });
});

describe('a session', () => {
  it('has an id that nobody knew before the sign-in', async () => {
    const { port } = new URL(scene.url);
    const planted = `keyhole-${port}-session=planted`;
    const ada = scene.visitor();
    const response = await ada.authorize(users.test);
    const signIn =
      ada
        .cookies()
        .split('; ')
        .find((pair) => pair.includes('sign-in')) ?? '';
    const answer = await fetch(response, {
      redirect: 'manual',
      headers: { cookie: `${planted}; ${signIn}` },
    });
    expect(answer.status).toBe(303);
    const cookie = answer.headers.getSetCookie().find((line) => line.includes('-session=')) ?? '';
    expect(cookie).toMatch(/^keyhole-\d+-session=[\w-]{43}; .*HttpOnly; SameSite=Lax$/u);
    expect(cookie).not.toContain('planted');
    const asPlanted = await fetch(scene.url, { headers: { cookie: planted } });
    expect(await asPlanted.text()).toContain('Sign in with FusionAuth');
  });

  it('that was there before ends with the next sign-in', async () => {
    const ada = scene.visitor();
    await ada.signIn(users.test);
    const before = ada.cookies();
    await ada.portal.open((await ada.open('/sign-in')).url).catch(() => undefined);
    await ada.portal.open((await ada.fusionAuth.open((await ada.open('/sign-in')).url)).url);
    expect((await ada.open('/')).text).toContain('Your clients');
    expect(await (await fetch(scene.url, { headers: { cookie: before } })).text()).toContain(
      'Sign in with FusionAuth',
    );
  });

  it('ends after an hour, and says so to a form', async () => {
    const ada = scene.visitor();
    await ada.signIn(users.test);
    const form = await ada.open('/clients/new');
    scene.pass(59 * 60_000);
    expect((await ada.open('/clients/new')).status).toBe(200);
    scene.pass(2 * 60_000);
    expect((await ada.open('/clients/new')).status).toBe(403);
    const page = await ada.submit(form, { name: 'Late', host: 'cursor', port: '3334' });
    expect(page.status).toBe(403);
    expect(page.text).toContain('You are not signed in any more, so nothing was changed.');
    expect(await namesOf(scene)).not.toContain('Late');
  });
});

describe('an authorization response', () => {
  it('counts once, in the browser that asked, within ten minutes', async () => {
    const ada = scene.visitor();
    const response = await ada.authorize(users.test);
    const bob = scene.visitor();
    await bob.open('/sign-in');
    const elsewhere = await bob.portal.open(response);
    expect([elsewhere.status, elsewhere.text]).toEqual([400, expect.stringContaining('no longer valid')]);
    expect((await ada.portal.open(response)).status).toBe(200);
    expect((await ada.portal.open(response)).status).toBe(400);
    const late = scene.visitor();
    const second = await late.authorize(users.test);
    scene.pass(11 * 60_000);
    expect((await late.portal.open(second)).status).toBe(400);
  });

  it.each([
    ['another state', (url: URL) => url.searchParams.set('state', 'x')],
    ['another issuer', (url: URL) => url.searchParams.set('iss', 'https://evil.example')],
    ['another code', (url: URL) => url.searchParams.set('code', 'x')],
    ['no code', (url: URL) => url.searchParams.delete('code')],
  ])('with %s signs nobody in', async (_what, change) => {
    const ada = scene.visitor();
    const response = await ada.authorize(users.test);
    change(response);
    const page = await ada.portal.open(response);
    expect(page.status).toBe(400);
    expect((await ada.open('/')).text).toContain('Sign in with FusionAuth');
  });

  it('that says no is told as such', async () => {
    const ada = scene.visitor();
    const response = await ada.authorize(users.test);
    response.searchParams.delete('code');
    response.searchParams.set('error', 'access_denied');
    response.searchParams.set('error_description', '<b>Not you</b>');
    const page = await ada.portal.open(response);
    expect(page.status).toBe(403);
    expect(page.text).toContain('FusionAuth says: &lt;b&gt;Not you&lt;/b&gt;.');
  });
});

describe('a page', () => {
  it('shows names from elsewhere as text, and allows no script', async () => {
    const evil = '<script>alert(1)</script>"\'&';
    await scene.admin('POST', '/api/user', {
      user: { email: 'x"><img/src=x>@example.com', password: 'password', username: 'evil' },
    });
    const ada = scene.visitor();
    await ada.signIn({ loginId: 'evil', password: 'password' });
    const page = await ada.register(evil);
    const refused = await ada.register(evil);
    const pages = [page, refused, await ada.open('/'), await ada.open(`${page.url.pathname}/remove`)];
    for (const { text, headers } of pages) {
      expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;');
      expect(text).toContain('x&quot;&gt;&lt;img/src=x&gt;@example.com');
      expect(text).not.toMatch(/<script|<img/u);
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-[\w+/=]+'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/u,
      );
    }
  });

  it('is answered under its own name only, and localhost is sent to it', async () => {
    const { url } = scene;
    const { port } = new URL(url);
    const as = (host: string): Promise<{ status: number; location: string | undefined }> =>
      new Promise((resolve, reject) => {
        httpRequest(`${url}/clients/new?x=1`, { headers: { host } }, (response) => {
          response.resume();
          resolve({ status: response.statusCode ?? 0, location: response.headers.location });
        })
          .on('error', reject)
          .end();
      });
    expect(await as('evil.example')).toMatchObject({ status: 421 });
    expect(await as(`evil.example:${port}`)).toMatchObject({ status: 421 });
    expect(await as(`localhost:${port}`)).toEqual({ status: 307, location: `${url}/clients/new?x=1` });
  });
});

describe('without FusionAuth', () => {
  it('says so with 503, and tells the log alone where it should be', async () => {
    const scene = await ownScene();
    const ada = scene.visitor();
    await ada.signIn(users.test);
    await scene.emulator.close();
    for (const path of ['/', '/sign-in']) {
      const page = await ada.open(path);
      expect(page.status).toBe(503);
      expect(page.text).toContain('FusionAuth does not answer');
      expect(page.text).toContain('[fusionauth-unreachable]');
      expect(page.text).not.toContain(scene.emulator.url);
      expect(page.headers.get('retry-after')).toBe('30');
    }
    expect(scene.log()).toContain(`FusionAuth is not running at ${scene.emulator.url} (ECONNREFUSED).`);
    expect((await ada.register('Lost')).status).toBe(503);
  });

  it('leaves nothing half-made', async () => {
    const scene = await ownScene({
      interfere: (request) => (request.includes('/scope/') ? { status: 500 } : undefined),
    });
    const ada = scene.visitor();
    await ada.signIn(users.test);
    const page = await ada.register('Half');
    expect([page.status, page.text]).toEqual([503, expect.stringContaining('[fusionauth-failed]')]);
    expect(await namesOf(scene)).not.toContain('Half');
  });

  it('or without its license, nothing is registered and the page says which remedy is whose', async () => {
    const scene = await ownScene({ licensed: false });
    const ada = scene.visitor();
    await ada.signIn(users.test);
    const page = await ada.register('Unlicensed');
    expect([page.status, page.text]).toEqual([
      503,
      expect.stringContaining('tell whoever runs this portal: [unlicensed]'),
    ]);
    expect(scene.log()).toContain('has no license for third-party applications');
  });
});

describe("the portal's own application", () => {
  it('is registered once, and is no client like others', async () => {
    const own = await ownScene();
    const fusionAuth = connectFusionAuth({ url: own.emulator.url, apiKey: own.emulator.apiKey ?? '' });
    expect(own.client.isNew).toBe(true);
    expect(await findPortalClient(fusionAuth, own.url)).toEqual({ ...own.client, isNew: false });
    const other = await findPortalClient(fusionAuth, 'http://127.0.0.1:1');
    expect(other.clientId).not.toBe(own.client.clientId);
    // Two that start at once have one application.
    const both = await Promise.all([1, 2].map(() => findPortalClient(fusionAuth, 'http://127.0.0.1:2')));
    expect(both[0]?.clientId).toBe(both[1]?.clientId);
    expect(await ownClients(fusionAuth)).toEqual([]);
  });

  it.each([
    [{ authorizedRedirectURLs: ['http://127.0.0.1:1/other'] }, 'it does not allow the redirect URL'],
    [{ enabledGrants: ['implicit'] }, 'the authorization code grant is not enabled'],
  ])('is refused when somebody changed it: %j', async (oauthConfiguration, said) => {
    const fusionAuth = connectFusionAuth({ url: scene.emulator.url, apiKey: scene.emulator.apiKey ?? '' });
    const { clientId } = await findPortalClient(fusionAuth, 'http://127.0.0.1:3');
    await scene.admin('PATCH', `/api/application/${clientId}`, { application: { oauthConfiguration } });
    await expect(findPortalClient(fusionAuth, 'http://127.0.0.1:3')).rejects.toMatchObject({
      code: 'portal-client-unusable',
      message: expect.stringContaining(said) as string,
    });
    await scene.admin('DELETE', `/api/application/${clientId}?hardDelete=true`);
  });
});

describe('a FusionAuth with other settings', () => {
  it.each([
    ['an issuer that is no URL', { issuer: 'acme.com' }],
    ['HS256 and no published keys', { signing: 'HS256' as const }],
    ['no iss in its responses', { fusionAuthVersion: '1.67.0' }],
  ])('signs in with %s', async (_what, switches) => {
    const scene = await ownScene(switches);
    expect((await scene.visitor().signIn(users.test)).text).toContain('Your clients');
  });
});
