import { describe, expect, it } from 'vitest';
import builtIn from '../../../kickstart/kickstart.json' with { type: 'json' };
import { EmulatorError } from '../src/errors.ts';
import { defaultTenantId, readKickstart } from '../src/kickstart.ts';
import guideStyle from './fixtures/guide-style-kickstart.json' with { type: 'json' };

const surroundings = {
  env: { FUSIONAUTH_EXTERNAL_URL: 'http://localhost:9011', FUSIONAUTH_LICENSE_KEY: '' },
  tenantId: 'the-tenant',
  defaultSigningKeyId: 'the-key',
};

const read = (document: unknown) => readKickstart(document, surroundings);
const withRequest = (request: unknown) => ({ apiKeys: [{ key: 'k' }], requests: [request] });

function failure(document: unknown): EmulatorError {
  try {
    read(document);
  } catch (error) {
    if (error instanceof EmulatorError) return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

describe('expressions', () => {
  it('put in variables, provided values, the environment and fresh UUIDs, keys included', () => {
    const { requests } = read({
      variables: { one: '1', two: '#{one}2', id: '#{UUID()}' },
      apiKeys: [{ key: '#{two}' }],
      requests: [
        {
          method: 'POST',
          url: '/api/#{FUSIONAUTH_TENANT_ID}/#{FUSIONAUTH_DEFAULT_SIGNING_KEY_ID}',
          body: {
            '#{one}': ['#{ENV.FUSIONAUTH_EXTERNAL_URL}/mcp', 5, null],
            app: '#{FUSIONAUTH_APPLICATION_ID}',
            ids: ['#{id}', '#{id}', '#{UUID()}'],
          },
        },
      ],
    });
    const body = requests[0]?.body as { ids: string[] };
    expect(requests[0]?.url).toBe('/api/the-tenant/the-key');
    expect(body).toMatchObject({
      '1': ['http://localhost:9011/mcp', 5, null],
      app: '3c219e58-ed0e-4b18-ad48-f4f92793ae32',
    });
    expect(body.ids[0]).toBe(body.ids[1]);
    expect(body.ids[2]).not.toBe(body.ids[0]);
  });

  it.each([
    ['an unknown variable', '#{nothing}', 'there is no such variable'],
    ['a missing environment variable', '#{ENV.NOTHING}', 'that environment variable is not set'],
    ['the name of an object’s own method', '#{toString}', 'there is no such variable'],
  ])('name the place of %s', (_name, expression, problem) => {
    const error = failure(
      withRequest({ method: 'POST', url: '/api/user', body: { user: { email: expression } } }),
    );
    expect(error.code).toBe('kickstart-expression');
    expect(error.message).toContain('requests[0].body.user.email');
    expect(error.message).toContain(problem);
  });

  it('cannot use a variable before it is defined', () => {
    expect(failure({ variables: { one: '#{two}', two: '2' } }).message).toContain('variables.one');
  });
});

describe('the shape of a kickstart', () => {
  it.each([
    ['a list', [], 'the file'],
    ['requests that are none', { requests: {} }, 'requests'],
    ['requests without a key', { requests: [{ method: 'POST', url: '/x' }] }, 'apiKeys'],
    ['a key without its value', { apiKeys: [{}] }, 'apiKeys[0].key'],
    ['a method it does not know', withRequest({ method: 'GET', url: '/x' }), 'requests[0].method'],
    ['a URL that is no path', withRequest({ method: 'POST', url: 'http://x/' }), 'requests[0].url'],
    ['a variable that is an object', { variables: { a: {} } }, 'variables.a'],
  ])('is refused for %s, naming it', (_name, document, place) => {
    const error = failure(document);
    expect(error.code).toBe('kickstart-invalid');
    expect(error.message).toContain(place);
  });

  it('takes the tenant’s id from the variable defaultTenantId', () => {
    expect(defaultTenantId({ variables: { defaultTenantId: 'abc' } })).toBe('abc');
    expect(defaultTenantId({})).toBeUndefined();
  });

  it('reads permissions of API keys', () => {
    const { apiKeys } = read({
      apiKeys: [{ key: 'k', permissions: { endpoints: { '/api/user': ['GET'] } } }],
    });
    expect(apiKeys[0]?.permissions).toEqual({ '/api/user': ['GET'] });
  });
});

describe('the kickstart files of this repository', () => {
  it.each([
    ['the built-in one', builtIn],
    ['one in the style of FusionAuth’s guide', guideStyle],
  ])('are accepted: %s', (_name, document) => {
    const { apiKeys, requests } = read(document);
    expect(apiKeys[0]?.key).toBe('bf69486b-4733-4470-a592-f1bfce7af580');
    expect(requests.length).toBeGreaterThan(2);
  });
});
