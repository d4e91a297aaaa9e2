// The portal behind a reverse proxy with TLS, as --portal-url has it: a real https server, and its cookies as browsers get them.
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FormBrowser } from '../../../fusionauth-emulator/test/support/form-browser.ts';
import { privateAuthority, type PrivateAuthority } from '../../../proxy/test/support/certificates.ts';
import { portalScene, users, type PortalScene } from '../support/portal-scene.ts';

let folder: string;
let authority: PrivateAuthority;
let scene: PortalScene;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keyhole-portal-tls-'));
  authority = await privateAuthority(folder, 'company');
  scene = await portalScene({ tls: await authority.issue('localhost', ['DNS:localhost']) });
});
afterAll(async () => {
  await scene.close();
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly location: string;
  readonly setCookie: readonly string[];
  readonly hsts: string | undefined;
  readonly text: string;
}

/** Asks the portal through the proxy, or with http at its own address. */
function ask(
  at: string,
  headers: Record<string, string> = {},
  { from = scene.url, form }: { from?: string; form?: Record<string, string> } = {},
): Promise<Answer> {
  const url = new URL(at, from);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const body = form === undefined ? '' : new URLSearchParams(form).toString();
  const type = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  return new Promise((resolve, reject) => {
    const options = { ca: authority.cert, agent: false, method: form === undefined ? 'GET' : 'POST' };
    request(url, { ...options, headers: { ...headers, ...type } }, (response) => {
      text(response).then(
        (content) =>
          resolve({
            status: response.statusCode ?? 0,
            location: response.headers.location ?? '',
            setCookie: response.headers['set-cookie'] ?? [],
            hsts: response.headers['strict-transport-security'],
            text: content,
          }),
        reject,
      );
    })
      .once('error', reject)
      .end(body);
  });
}

const pairOf = ({ setCookie }: Answer, name: string): string =>
  setCookie.map((line) => line.split(';')[0] ?? '').find((pair) => pair.startsWith(`${name}=`)) ?? '';

/** Signs in at FusionAuth. @returns the sign-in's answer and that of the way back */
async function signIn(): Promise<{ began: Answer; back: string; signedIn: Answer }> {
  const began = await ask('/sign-in');
  const fusionAuth = new FormBrowser();
  const { url } = await fusionAuth.submit(await fusionAuth.open(began.location), users.test);
  const back = `${url.pathname}${url.search}`;
  return { began, back, signedIn: await ask(back, { cookie: pairOf(began, '__Host-keyhole-sign-in') }) };
}

describe('the portal behind TLS', () => {
  it('signs in over https, with cookies that only https has and that no other host can set', async () => {
    const { began, back, signedIn } = await signIn();
    const session = signedIn.setCookie.find((line) => line.startsWith('__Host-keyhole-session=')) ?? '';
    const home = await ask('/', { cookie: session.split(';')[0] ?? '' });
    expect(new URL(began.location).searchParams.get('redirect_uri')).toBe(`${scene.url}/callback`);
    expect(back).toMatch(/^\/callback\?code=/u);
    // RFC 6265bis section 4.1.3.2: a browser takes the prefix only with Secure, Path=/ and no Domain.
    for (const line of [...began.setCookie, session]) {
      const [pair, ...attributes] = line.split('; ');
      expect(pair).toMatch(/^__Host-keyhole-(?:session|sign-in)=[\w-]{43}$/u);
      expect(attributes).toEqual(expect.arrayContaining(['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']));
      expect(line).not.toMatch(/domain/iu);
    }
    expect(home.text).toContain('Your clients');
  });

  it('tells browsers with every answer to come by https only, redirects and failures included', async () => {
    const answers = [await ask('/'), await ask('/sign-in'), await ask('/clients/new'), await ask('/nothing')];
    expect(answers.map(({ status, hsts }) => [status, hsts])).toEqual(
      [200, 302, 403, 404].map((status) => [status, 'max-age=31536000']),
    );
  });

  it('knows nobody by a cookie without the prefix, nor without that of the browser that began', async () => {
    const { signedIn } = await signIn();
    const [, value = ''] = pairOf(signedIn, '__Host-keyhole-session').split('=');
    expect((await ask('/', { cookie: `keyhole-session=${value}` })).text).not.toContain('Your clients');
    const began = await ask('/sign-in');
    const other = await ask('/sign-in');
    const fusionAuth = new FormBrowser();
    const { url } = await fusionAuth.submit(await fusionAuth.open(began.location), users.test);
    const stolen = await ask(`${url.pathname}${url.search}`, {
      cookie: pairOf(other, '__Host-keyhole-sign-in'),
    });
    expect([stolen.status, pairOf(stolen, '__Host-keyhole-session')]).toEqual([400, '']);
  });

  it('registers and removes by forms, which need the session’s value', async () => {
    const cookie = pairOf((await signIn()).signedIn, '__Host-keyhole-session');
    const page = await ask('/clients/new', { cookie });
    const csrf = /name="csrf" value="(?<value>[^"]+)"/u.exec(page.text)?.groups?.['value'] ?? '';
    const form = { name: 'Over https', host: 'cursor', port: '3334' };
    const forged = await ask('/clients', { cookie }, { form: { ...form, csrf: 'guess' } });
    const registered = await ask('/clients', { cookie }, { form: { ...form, csrf } });
    const removed = await ask(`${registered.location}/remove`, { cookie }, { form: { csrf } });
    expect([forged.status, registered.status, removed.status]).toEqual([403, 303, 303]);
    expect(registered.location).toMatch(/^\/clients\/[\da-f-]{36}$/u);
  });

  it('does not answer where it listens itself, whatever a request says of where it came from', async () => {
    const direct = await ask('/', {}, { from: scene.listening });
    const forwarded = await ask(
      '/',
      { 'x-forwarded-host': new URL(scene.url).host, 'x-forwarded-proto': 'https' },
      { from: scene.listening },
    );
    for (const { status, text: page, setCookie } of [direct, forwarded]) {
      expect([status, setCookie]).toEqual([421, []]);
      expect(page).toContain(scene.url);
    }
  });
});
