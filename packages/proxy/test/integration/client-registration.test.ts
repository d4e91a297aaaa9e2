import { describe, expect, it } from 'vitest';
import { createBoundedFetch } from '../../src/authorization/bounded-fetch.ts';
import { registerClient, type ClientSettings } from '../../src/authorization/client-registration.ts';
import { createEndpointPolicy } from '../../src/authorization/endpoint-policy.ts';
import { refusalOf } from '../support/failure.ts';
import {
  loopbackServer,
  sendHtml,
  sendJson,
  type Handler,
  type LoopbackServer,
} from '../support/loopback-server.ts';

const redirectUri = new URL('http://localhost:3334/oauth/callback');
const created = { client_id: 'dynamic-1' };

type Document = Record<string, unknown>;

/** Registers at an endpoint that answers as told. */
async function registerAt(
  handle: Handler,
  facts: { metadata?: Document; settings?: Partial<ClientSettings>; scope?: string } = {},
) {
  const http = await loopbackServer(handle);
  const { metadata = {}, settings = {}, scope } = facts;
  const policy = createEndpointPolicy(new URL('http://localhost:8000/mcp'), false);
  const register = () =>
    registerClient(
      {
        endpoint: new URL('/register', http.url),
        authorizationServer: { issuer: http.url, ...metadata },
        redirectUri,
        settings: {
          client: undefined,
          clientMetadataUrl: undefined,
          clientMetadata: undefined,
          deviceCode: false,
          ...settings,
        },
        scope,
      },
      createBoundedFetch(policy, fetch, new AbortController().signal),
    );
  return { http, register };
}

const answering =
  (status: number, content: unknown): Handler =>
  (_request, response) => {
    sendJson(response, status, content);
  };

const sent = (http: LoopbackServer): Document => JSON.parse(http.requests[0]?.body ?? '') as Document;

describe('a dynamic registration', () => {
  it('is that of a native client that refreshes, with its redirect URI', async () => {
    const { http, register } = await registerAt(answering(201, created));
    await register();
    expect(sent(http)).toEqual({
      client_name: 'Keyhole',
      redirect_uris: ['http://localhost:3334/oauth/callback'],
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    });
    expect(http.requests[0]?.headers['content-type']).toBe('application/json');
  });

  it('names the scope that will be asked for', async () => {
    const { http, register } = await registerAt(answering(201, created), { scope: 'openid get_name' });
    await register();
    expect(sent(http)['scope']).toBe('openid get_name');
  });

  it('asks for the device grant only where that is how the user signs in', async () => {
    const { http, register } = await registerAt(answering(201, created), { settings: { deviceCode: true } });
    await register();
    expect(sent(http)['grant_types']).toEqual([
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
    ]);
  });

  it('is merged with the metadata of the command line, whose scope is then what is asked for', async () => {
    const clientMetadata = { client_name: 'Ours', scope: 'a b', contacts: ['me@example.com'] };
    const { http, register } = await registerAt(answering(201, created), {
      settings: { clientMetadata },
      scope: 'openid',
    });
    expect((await register()).scope).toBe('a b');
    expect(sent(http)).toMatchObject({ ...clientMetadata, application_type: 'native' });
  });

  it.each([
    [undefined, 'none'],
    [['client_secret_basic', 'none'], 'none'],
    [['private_key_jwt', 'client_secret_post'], 'client_secret_post'],
    [['client_secret_basic', 'client_secret_post'], 'client_secret_basic'],
    [['private_key_jwt'], 'none'],
  ])('asks, where the metadata lists %j, to authenticate with %s', async (methods, method) => {
    const { http, register } = await registerAt(answering(201, created), {
      metadata: methods === undefined ? {} : { token_endpoint_auth_methods_supported: methods },
    });
    expect((await register()).authenticationMethod).toBe(method);
    expect(sent(http)['token_endpoint_auth_method']).toBe(method);
  });

  it('takes what the server made of it: secret, way to authenticate, and how to delete it', async () => {
    const { register } = await registerAt(
      answering(201, {
        client_id: 'dynamic-1',
        client_secret: 'secret-1',
        token_endpoint_auth_method: 'client_secret_post',
        registration_client_uri: 'https://login.example.com/register/dynamic-1',
        registration_access_token: 'registration-1',
        scope: 'less',
      }),
    );
    expect(await register()).toEqual({
      clientId: 'dynamic-1',
      clientSecret: 'secret-1',
      authenticationMethod: 'client_secret_post',
      scope: undefined,
      registration: {
        redirectUri: redirectUri.href,
        scope: undefined,
        clientUri: 'https://login.example.com/register/dynamic-1',
        accessToken: 'registration-1',
      },
    });
  });

  it.each(['invalid_client_metadata', 'invalid_scope'])(
    'is tried without the scope where that is refused with %s',
    async (error) => {
      const { http, register } = await registerAt(
        ({ body }, response) => {
          if (body.includes('"scope"')) sendJson(response, 400, { error });
          else sendJson(response, 201, created);
        },
        { scope: 'get_name' },
      );
      expect((await register()).registration).toMatchObject({ scope: undefined });
      expect(http.requests).toHaveLength(2);
    },
  );

  it('is not tried without a scope that the command line names, nor for another reason, nor twice', async () => {
    for (const [facts, error, requests] of [
      [{ settings: { clientMetadata: { scope: 'a' } }, scope: 'a' }, 'invalid_scope', 1],
      [{ scope: 'a' }, 'invalid_redirect_uri', 1],
      [{}, 'invalid_client_metadata', 1],
      [{ scope: 'a' }, 'invalid_client_metadata', 2],
    ] as const) {
      const { http, register } = await registerAt(answering(400, { error }), facts);
      expect((await refusalOf(register)).message).toContain(error);
      expect(http.requests).toHaveLength(requests);
    }
  });

  it('may be answered with 200, as some servers do', async () => {
    const { register } = await registerAt(answering(200, created));
    expect((await register()).clientId).toBe('dynamic-1');
  });

  const rejections: [string, Handler, string][] = [
    [
      'an error and its description',
      answering(400, { error: 'invalid_redirect_uri', error_description: 'Only https\u001b[2J here' }),
      '(invalid_redirect_uri: Only https here)',
    ],
    ['an error alone', answering(403, { error: 'access_denied' }), '(access_denied)'],
    ['other JSON', answering(403, { message: 'no' }), '(HTTP 403)'],
    [
      'a page',
      (_request, response) => {
        sendHtml(response, 404);
      },
      '(HTTP 404)',
    ],
    [
      'a redirect',
      (_request, response) => void response.writeHead(307, { location: '/' }).end(),
      '(HTTP 307)',
    ],
    ['no client_id', answering(201, { client_name: 'Keyhole' }), '(HTTP 201)'],
    ['a client_id that is a number', answering(201, { client_id: 7 }), '(HTTP 201)'],
  ];

  it.each(rejections)(
    'that is answered with %s is rejected, in the server’s words',
    async (_what, handle, words) => {
      const { http, register } = await registerAt(handle);
      const { code, message, remedy } = await refusalOf(register);
      expect(code).toBe('registration-rejected');
      expect(message).toContain(http.url);
      expect(message).toContain(words);
      expect(remedy).toContain('--static-oauth-client-info');
      expect(http.requests).toHaveLength(1);
    },
  );

  it('that nobody answers is an error of the network, not a rejection', async () => {
    const { http, register } = await registerAt(answering(201, created));
    await http.close();
    expect((await refusalOf(register)).code).toBe('authorization-server-unreachable');
  });
});
