import { describe, expect, it } from 'vitest';
import { createBoundedFetch } from '../../src/authorization/bounded-fetch.ts';
import { discover, discoverAuthorizationServer } from '../../src/authorization/discovery.ts';
import { createEndpointPolicy } from '../../src/authorization/endpoint-policy.ts';
import type { Challenge } from '../../src/authorization/types.ts';
import { refusalOf } from '../support/failure.ts';
import { documentServer, loopbackServer, sendHtml, sendJson } from '../support/loopback-server.ts';

const oauth = '/.well-known/oauth-authorization-server';
const openid = '/.well-known/openid-configuration';
const resourcePath = '/.well-known/oauth-protected-resource';

type Document = Record<string, unknown>;

function tools(server: URL) {
  const policy = createEndpointPolicy(server, false);
  return { policy, fetch: createBoundedFetch(policy, fetch, new AbortController().signal) };
}

const findResource = (server: string, challenge: Challenge = {}) =>
  discover(new URL(server), challenge, tools(new URL(server)));
const findIssuer = (issuer: string) =>
  discoverAuthorizationServer(issuer, tools(new URL('http://localhost/')));

const issuerMetadata = (issuer: string, changes: Document = {}): Document => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  code_challenge_methods_supported: ['S256'],
  ...changes,
});

const resourceMetadata = (origin: string, changes: Document = {}): Document => ({
  resource: `${origin}/mcp`,
  authorization_servers: [origin],
  ...changes,
});

describe('the metadata of a protected resource', () => {
  it('is taken from the address in the challenge before all others', async () => {
    const server = await documentServer((origin) => ({
      '/elsewhere': resourceMetadata(origin, { scopes_supported: ['a', 'b'] }),
      [`${resourcePath}/mcp`]: resourceMetadata(origin, { scopes_supported: ['wrong'] }),
      [oauth]: issuerMetadata(origin),
    }));
    const found = await findResource(`${server.url}/mcp`, {
      resourceMetadataUrl: new URL('/elsewhere', server.url),
    });
    expect(found).toEqual({
      resource: `${server.url}/mcp`,
      scopesSupported: ['a', 'b'],
      authorizationServer: issuerMetadata(server.url),
    });
    expect(server.requests.map(({ path }) => path)).toEqual(['/elsewhere', oauth]);
  });

  it('is looked for below the server’s path, then at the root', async () => {
    const server = await documentServer((origin) => ({
      [resourcePath]: resourceMetadata(origin),
      [oauth]: issuerMetadata(origin),
    }));
    const found = await findResource(`${server.url}/mcp`);
    expect(found.scopesSupported).toBeUndefined();
    expect(server.requests.map(({ path }) => path)).toEqual([`${resourcePath}/mcp`, resourcePath, oauth]);
  });

  it('is looked for with the server’s query, and once where path and root are the same', async () => {
    const withQuery = await documentServer((origin) => ({
      [`${resourcePath}/mcp?tenant=1`]: resourceMetadata(origin, { resource: `${origin}/mcp?tenant=1` }),
      [oauth]: issuerMetadata(origin),
    }));
    expect((await findResource(`${withQuery.url}/mcp?tenant=1`)).resource).toBe(
      `${withQuery.url}/mcp?tenant=1`,
    );
    const empty = await documentServer(() => ({}));
    expect((await refusalOf(() => findResource(empty.url))).code).toBe('resource-metadata-missing');
    expect(empty.requests.map(({ path }) => path)).toEqual([resourcePath, oauth, openid, '/authorize']);
  });

  it('is missing when all addresses answer 404 or a page', async () => {
    const server = await loopbackServer(({ path }, response) => {
      if (path.endsWith('/mcp') || path === '/authorize') sendJson(response, 404, {});
      else sendHtml(response, 200);
    });
    const { code, message } = await refusalOf(() => findResource(`${server.url}/mcp`));
    expect(code).toBe('resource-metadata-missing');
    expect(message).toContain(`${server.url}/mcp`);
  });

  it.each([
    ['no authorization servers', { authorization_servers: [] }],
    ['something else in their place', { authorization_servers: 'https://login.example.com' }],
  ])('is missing when it names %s', async (_what, changes) => {
    const server = await documentServer((origin) => ({ [resourcePath]: resourceMetadata(origin, changes) }));
    expect((await refusalOf(() => findResource(`${server.url}/mcp`))).code).toBe('resource-metadata-missing');
  });

  it.each([
    ['another path', '/other'],
    ['a path that only begins the same', '/mc'],
    ['a longer path', '/mcp/admin'],
  ])('is refused when its resource is %s', async (_what, path) => {
    const server = await documentServer((origin) => ({
      [resourcePath]: resourceMetadata(origin, { resource: `${origin}${path}` }),
    }));
    const { code, message } = await refusalOf(() => findResource(`${server.url}/mcp`));
    expect(code).toBe('resource-mismatch');
    expect(message).toContain(`${server.url}${path}`);
  });

  it.each([
    ['another origin', 'https://mcp.example.com/mcp'],
    ['no URL', 'mcp'],
    ['no text', 7],
    ['absent', undefined],
  ])('is refused when its resource is %s', async (_what, resource) => {
    const server = await documentServer((origin) => ({
      [resourcePath]: resourceMetadata(origin, { resource }),
    }));
    expect((await refusalOf(() => findResource(`${server.url}/mcp`))).code).toBe('resource-mismatch');
  });

  it.each(['', '/', '/mcp', '/mcp/'])('may have the resource %j, and it is kept exactly so', async (path) => {
    const server = await documentServer((origin) => ({
      [resourcePath]: resourceMetadata(origin, { resource: `${origin}${path}` }),
      [oauth]: issuerMetadata(origin),
    }));
    expect((await findResource(`${server.url}/mcp`)).resource).toBe(`${server.url}${path}`);
  });

  it.each([503, 500])('is an error, not missing, when the server answers %i', async (status) => {
    const server = await loopbackServer((_request, response) => {
      sendJson(response, status, {});
    });
    const { code, message } = await refusalOf(() => findResource(`${server.url}/mcp`));
    expect(code).toBe('authorization-server-unreachable');
    expect(message).toContain(`HTTP ${status}`);
    expect(server.requests).toHaveLength(1);
  });

  it('may not be where a remote server has no business', async () => {
    const { code } = await refusalOf(() =>
      findResource('https://mcp.example.com/mcp', {
        resourceMetadataUrl: new URL('http://169.254.169.254/'),
      }),
    );
    expect(code).toBe('insecure-endpoint');
  });
});

describe('the metadata of an authorization server', () => {
  it.each([
    ['without a path', '', [oauth, openid]],
    ['with a path', '/tenant/1', [`${oauth}/tenant/1`, `${openid}/tenant/1`, `/tenant/1${openid}`]],
  ])('of an issuer %s is looked for in the order that MCP prescribes', async (_what, path, order) => {
    for (const [index, place] of order.entries()) {
      const server = await documentServer((origin) => ({ [place]: issuerMetadata(`${origin}${path}`) }));
      expect((await findIssuer(`${server.url}${path}`)).issuer).toBe(`${server.url}${path}`);
      expect(server.requests.map((request) => request.path)).toEqual(order.slice(0, index + 1));
    }
  });

  it('is unusable when no address has a document', async () => {
    const server = await documentServer(() => ({}));
    const { code, message } = await refusalOf(() => findIssuer(server.url));
    expect(code).toBe('authorization-server-metadata');
    expect(message).toContain(server.url);
  });

  it('is looked for further when an address answers with a page in place of JSON', async () => {
    const server = await loopbackServer(({ path }, response) => {
      if (path === openid) sendJson(response, 200, issuerMetadata(server.url));
      else sendHtml(response, 200);
    });
    expect((await findIssuer(server.url)).issuer).toBe(server.url);
  });

  it('is unusable when there are only pages, lists and texts', async () => {
    const server = await loopbackServer(({ path }, response) => {
      if (path === oauth) sendJson(response, 200, ['issuer']);
      else sendHtml(response, 200);
    });
    expect((await refusalOf(() => findIssuer(server.url))).code).toBe('authorization-server-metadata');
  });

  it.each([500, 502, 503])(
    'is unreachable, not absent, when the first address answers %i',
    async (status) => {
      const server = await loopbackServer(({ path }, response) => {
        if (path === oauth) sendJson(response, status, {});
        else sendJson(response, 200, issuerMetadata(server.url));
      });
      expect((await refusalOf(() => findIssuer(server.url))).code).toBe('authorization-server-unreachable');
    },
  );

  it('is unreachable when nobody listens, and the reason is named', async () => {
    const server = await documentServer(() => ({}));
    await server.close();
    const { code, message } = await refusalOf(() => findIssuer(server.url));
    expect(code).toBe('authorization-server-unreachable');
    expect(message).toContain('ECONNREFUSED');
  });

  it.each([
    ['a trailing slash more', (issuer: string) => `${issuer}/`],
    ['FusionAuth’s acme.com', () => 'acme.com'],
    ['another host', () => 'https://evil.example.com'],
    ['a name in capitals', (issuer: string) => issuer.toUpperCase()],
    ['nothing', () => undefined],
  ])('is refused when its issuer is %s', async (_what, bend) => {
    const server = await documentServer((origin) => ({
      [openid]: issuerMetadata(origin, { issuer: bend(origin) }),
    }));
    const { code, message, remedy } = await refusalOf(() => findIssuer(server.url));
    expect(code).toBe('issuer-mismatch');
    expect(message).toContain(server.url);
    expect(remedy).toContain('acme.com');
  });

  it('is refused when the issuer asked for has a slash that the metadata has not', async () => {
    const server = await documentServer((origin) => ({ [openid]: issuerMetadata(origin) }));
    expect((await refusalOf(() => findIssuer(`${server.url}/`))).code).toBe('issuer-mismatch');
    const exact = await documentServer((origin) => ({ [openid]: issuerMetadata(`${origin}/`) }));
    expect((await findIssuer(`${exact.url}/`)).issuer).toBe(`${exact.url}/`);
  });

  it('is taken from the second address when only the first has another issuer', async () => {
    const server = await documentServer((origin) => ({
      [oauth]: issuerMetadata('https://other.example.com'),
      [openid]: issuerMetadata(origin),
    }));
    expect((await findIssuer(server.url)).issuer).toBe(server.url);
  });

  it('is refused when the resource names an issuer that is no URL, with what to change in FusionAuth', async () => {
    const server = await documentServer((origin) => ({
      [resourcePath]: resourceMetadata(origin, { authorization_servers: ['acme.com'] }),
    }));
    const { code, message, remedy } = await refusalOf(() => findResource(`${server.url}/mcp`));
    expect(code).toBe('issuer-mismatch');
    expect(message).toContain('"acme.com", which is not a URL');
    expect(remedy).toContain('Tenants');
  });

  it.each([undefined, 7])('is refused without a token endpoint: %j', async (value) => {
    const server = await documentServer((origin) => ({
      [oauth]: issuerMetadata(origin, { token_endpoint: value }),
    }));
    const { code, message } = await refusalOf(() => findIssuer(server.url));
    expect(code).toBe('authorization-server-metadata');
    expect(message).toContain('token_endpoint is missing');
  });

  it('is taken without an authorization endpoint, which only a sign-in in a browser needs', async () => {
    const server = await documentServer((origin) => ({
      [oauth]: issuerMetadata(origin, { authorization_endpoint: undefined }),
    }));
    expect((await findIssuer(server.url)).authorization_endpoint).toBeUndefined();
  });

  it.each([
    'authorization_endpoint',
    'token_endpoint',
    'registration_endpoint',
    'device_authorization_endpoint',
    'revocation_endpoint',
  ])('is refused with a bad %s', async (name) => {
    for (const [value, code] of [
      ['/token', 'insecure-endpoint'],
      ['javascript:alert(1)', 'insecure-endpoint'],
      ['file:///etc/passwd', 'insecure-endpoint'],
      ['http://login.example.com/token', 'insecure-endpoint'],
    ] as const) {
      const server = await documentServer((origin) => ({
        [oauth]: issuerMetadata(origin, { [name]: value }),
      }));
      const error = await refusalOf(() => findIssuer(server.url));
      expect(error.code).toBe(code);
      expect(error.message).toContain(name.split('_')[0]);
    }
  });
});

describe('a server without resource metadata, as MCP 2025-03-26 has it', () => {
  it('is its own authorization server, with the metadata at its origin and no resource', async () => {
    const server = await documentServer((origin) => ({ [oauth]: issuerMetadata(origin) }));
    expect(await findResource(`${server.url}/deep/mcp`)).toEqual({
      resource: undefined,
      authorizationServer: issuerMetadata(server.url),
    });
    expect(server.requests.map(({ path }) => path)).toEqual([
      `${resourcePath}/deep/mcp`,
      resourcePath,
      oauth,
    ]);
  });

  it('may publish OpenID Connect metadata in its place', async () => {
    const server = await documentServer((origin) => ({ [openid]: issuerMetadata(origin) }));
    expect((await findResource(`${server.url}/mcp`)).authorizationServer.issuer).toBe(server.url);
  });

  it.each([200, 302, 400, 401, 500])(
    'has /authorize, /token and /register when it publishes nothing and /authorize answers %i',
    async (status) => {
      const server = await loopbackServer(({ path }, response) => {
        if (path === '/authorize') response.writeHead(status, { location: '/sign-in' }).end();
        else sendJson(response, 404, {});
      });
      expect(await findResource(`${server.url}/mcp`)).toEqual({
        resource: undefined,
        authorizationServer: {
          issuer: server.url,
          authorization_endpoint: `${server.url}/authorize`,
          token_endpoint: `${server.url}/token`,
          registration_endpoint: `${server.url}/register`,
          code_challenge_methods_supported: ['S256'],
        },
      });
      expect(server.requests.at(-1)?.path).toBe('/authorize');
    },
  );

  it('may lead from /authorize to a sign-in page elsewhere, which only the browser asks for', async () => {
    const elsewhere = await documentServer(() => ({ '/sign-in': {} }));
    const server = await loopbackServer(({ path }, response) => {
      if (path === '/authorize') response.writeHead(302, { location: `${elsewhere.url}/sign-in` }).end();
      else sendJson(response, 404, {});
    });
    const { authorizationServer } = await findResource(`${server.url}/mcp`);
    expect(authorizationServer.authorization_endpoint).toBe(`${server.url}/authorize`);
    expect(elsewhere.requests).toEqual([]);
  });

  it.each([404, 405, 410])('wants no sign-in when /authorize answers %i', async (status) => {
    const server = await loopbackServer((_request, response) => {
      sendJson(response, status, {});
    });
    const { code, remedy } = await refusalOf(() => findResource(`${server.url}/mcp`));
    expect(code).toBe('resource-metadata-missing');
    expect(remedy).toContain('--header');
  });

  it('is refused when the metadata at its origin is another issuer’s, even with /authorize there', async () => {
    const server = await documentServer(() => ({
      [oauth]: issuerMetadata('https://evil.example.com'),
      '/authorize': {},
    }));
    expect((await refusalOf(() => findResource(`${server.url}/mcp`))).code).toBe('issuer-mismatch');
  });

  it('is not what a server is whose metadata names no authorization server', async () => {
    const server = await documentServer((origin) => ({
      [resourcePath]: resourceMetadata(origin, { authorization_servers: undefined }),
      [oauth]: issuerMetadata(origin),
    }));
    expect((await refusalOf(() => findResource(`${server.url}/mcp`))).code).toBe('resource-metadata-missing');
  });
});
