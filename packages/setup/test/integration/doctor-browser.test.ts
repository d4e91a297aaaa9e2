// Hosts that run in a web page: whether FusionAuth and the server let its origin in (CORS), judged as a browser judges.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLog, loadConfig, startServer } from '@mcp-keyhole/server';
import { doctorScene, visit, type DoctorScene } from '../support/doctor-scene.ts';
import { startLoopbackServer } from '../support/loopback-server.ts';

const origin = 'http://localhost:6274';
const other = 'https://inspector.example.com';

let scene: DoctorScene;
beforeAll(async () => {
  scene = await doctorScene();
});
afterAll(() => scene.close());

/** What a page gets: the answer, or undefined where the browser keeps it away (Fetch Standard, CORS). */
async function fromPage(
  url: string,
  page: string,
  init: { method: string; headers: Record<string, string>; body?: string },
): Promise<Response | undefined> {
  const unsafe = Object.keys(init.headers).filter((name) => !/^(?:accept|content-type)$/u.test(name));
  const headers = { ...init.headers, origin: page };
  if (unsafe.length > 0) {
    const preflight = await fetch(url, {
      method: 'OPTIONS',
      headers: {
        origin: page,
        'access-control-request-method': init.method,
        'access-control-request-headers': unsafe.join(','),
      },
    });
    const allowed = (preflight.headers.get('access-control-allow-headers') ?? '').toLowerCase().split(/, */u);
    if (!preflight.ok || unsafe.some((name) => !allowed.includes(name))) return undefined;
  }
  const answer = await fetch(url, { ...init, headers });
  return answer.headers.get('access-control-allow-origin') === page ? answer : undefined;
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const tokenRequest = (headers: Record<string, string>, page = origin): Promise<Response | undefined> =>
  fromPage(`${scene.emulator.url}/oauth2/token`, page, {
    method: 'POST',
    headers: { ...form, ...headers },
    body: 'a=b',
  });

/** The doctor at FusionAuth alone. */
const atFusionAuth = (...flags: readonly string[]): ReturnType<typeof visit> =>
  visit('--fusionauth-url', scene.emulator.url, '--browser-origin', origin, ...flags);

const cors = async (corsConfiguration: object): Promise<unknown> =>
  scene.admin('PATCH', '/api/system-configuration', { systemConfiguration: { corsConfiguration } });

const configured = async (): Promise<Record<string, unknown>> => {
  const answer = await scene.admin<{ systemConfiguration: { corsConfiguration: Record<string, unknown> } }>(
    'GET',
    '/api/system-configuration',
  );
  return answer.systemConfiguration.corsConfiguration;
};

it('a FusionAuth without CORS is found closed, opened, and takes a token request with a proof from a page', async () => {
  await cors({ enabled: false });
  expect(await tokenRequest({})).toBeUndefined();
  const found = await atFusionAuth();
  expect(found.codes).toEqual(['browser-origin-closed']);
  expect(found.findings[0]?.message).toContain('the answer of /oauth2/token cannot be read');
  expect(await atFusionAuth('--fix', '--yes')).toMatchObject({ exitCode: 0, codes: [] });

  const answer = await tokenRequest({
    dpop: 'x',
    authorization: 'Basic x',
    'mcp-protocol-version': '2025-06-18',
  });
  expect(answer?.status).toBe(401);
  const readable = (answer?.headers.get('access-control-expose-headers') ?? '').split(', ');
  expect(readable).toEqual(expect.arrayContaining(['DPoP-Nonce', 'WWW-Authenticate']));
  expect(await tokenRequest({}, other)).toBeUndefined();
});

it('one that lets the page in, but no proof of it (DPoP), is found; what was allowed stays', async () => {
  const own = {
    allowedOrigins: [other, origin],
    allowedHeaders: ['authorization', 'X-Own'],
    exposedHeaders: ['X-Id'],
  };
  await cors({ enabled: true, allowedMethods: ['PUT'], preflightMaxAgeInSeconds: 7, ...own });
  expect(await tokenRequest({})).toBeDefined();
  expect(await tokenRequest({ dpop: 'x' })).toBeUndefined();
  const found = await atFusionAuth();
  expect(found.findings.map(({ code, message }) => ({ code, message }))).toEqual([
    {
      code: 'browser-origin-closed',
      message: `By a page of ${origin} DPoP cannot be sent to /oauth2/token.`,
    },
  ]);
  expect((await atFusionAuth('--fix', '--yes')).codes).toEqual([]);
  expect(await tokenRequest({ dpop: 'x' })).toBeDefined();
  expect(await configured()).toMatchObject({
    enabled: true,
    allowedOrigins: [other, origin],
    allowedMethods: ['PUT', 'GET', 'POST', 'OPTIONS'],
    allowedHeaders: ['authorization', 'X-Own', 'Accept', 'Content-Type', 'DPoP', 'MCP-Protocol-Version'],
    exposedHeaders: ['X-Id', 'DPoP-Nonce', 'WWW-Authenticate'],
    preflightMaxAgeInSeconds: 7,
  });
});

it('an asterisk among the origins stays alone, as FusionAuth wants it', async () => {
  await cors({ enabled: true, allowedOrigins: ['*'], allowedHeaders: [] });
  expect((await atFusionAuth('--fix', '--yes')).codes).toEqual([]);
  expect((await configured())['allowedOrigins']).toEqual(['*']);
});

it('a server that is closed to pages is found, and one that has CORS_ORIGIN is not', async () => {
  const question = ['--browser-origin', origin, '--ignore', 'browser-origin-closed'];
  const found = await scene.visit(...question, '--fix', '--yes');
  expect(found).toMatchObject({ exitCode: 1, codes: ['server-origin-closed'] });
  expect(found.findings[0]?.remedy).toContain(`CORS_ORIGIN=${origin}`);

  const env = { FUSIONAUTH_URL: scene.emulator.url, CORS_ORIGIN: origin };
  const server = await startServer(loadConfig(['--port', '0'], env), {
    log: createLog({ destination: { write: () => undefined } }),
  });
  try {
    const open = ['--fusionauth-url', scene.emulator.url, '--mcp-server-url', server.url, ...question];
    expect(await visit(...open)).toMatchObject({ exitCode: 0, codes: [] });
  } finally {
    await server.close();
  }
});

it('a server whose challenge pages cannot read is found', async () => {
  const server = await startLoopbackServer(({ path, method, headers: { host = '' } }) => {
    const allowed = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' };
    if (path === '/mcp') return { status: method === 'OPTIONS' ? 204 : 401, headers: allowed };
    const metadata = { resource: `http://${host}/mcp`, authorization_servers: [scene.emulator.url] };
    return { status: 200, body: { ...metadata, scopes_supported: ['openid'] } };
  });
  try {
    const question = ['--fusionauth-url', scene.emulator.url, '--mcp-server-url', server.url];
    const found = await visit(...question, '--browser-origin', origin, '--ignore', 'browser-origin-closed');
    expect(found.findings.map(({ code, message }) => ({ code, message }))).toEqual([
      {
        code: 'server-origin-closed',
        message: `By a page of ${origin} WWW-Authenticate of /mcp cannot be read, Authorization cannot be sent to /mcp.`,
      },
    ]);
  } finally {
    await server.close();
  }
});
