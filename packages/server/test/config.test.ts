import { describe, expect, it } from 'vitest';
import { loadConfig, resourceOf } from '../src/config.ts';

/** The error that loading ends with, as code, exit code and text. */
function failure(argv: string[], env: Record<string, string> = {}): Record<string, unknown> {
  try {
    loadConfig(argv, env);
  } catch (error) {
    const { code, exitCode, message, remedy } = error as Record<string, unknown>;
    return { code, exitCode, message, remedy };
  }
  throw new Error('the configuration was accepted');
}

describe('the configuration', () => {
  it("has the guide's defaults", () => {
    expect(loadConfig([], {})).toMatchObject({
      fusionAuthUrl: 'http://localhost:9011',
      issuer: 'http://localhost:9011',
      mcpServerUrl: 'http://localhost:8000',
      host: '127.0.0.1',
      port: 8000,
      authentication: true,
      requiredScopes: [],
      scopesSupported: ['openid', 'profile', 'get_name', 'set_greeting', 'countdown'],
      initialScopes: ['openid', 'profile', 'get_name'],
    });
  });

  it('takes flags before environment, and empty variables for absent ones', () => {
    const config = loadConfig(['--port', '8100'], {
      PORT: '8200',
      HOST: '',
      FUSIONAUTH_URL: 'https://a.example',
    });
    expect(config).toMatchObject({ port: 8100, host: '127.0.0.1', fusionAuthUrl: 'https://a.example' });
  });

  it('follows the port in the default public URL', () => {
    expect(loadConfig([], { PORT: '8100' }).mcpServerUrl).toBe('http://localhost:8100');
  });

  it('trims trailing slashes, so that the resource has one /mcp', () => {
    const config = loadConfig([], {
      MCP_SERVER_URL: 'https://mcp.example.com/',
      FUSIONAUTH_URL: 'http://fusionauth:9011/',
      FUSIONAUTH_EXTERNAL_URL: 'https://auth.example.com//',
    });
    expect(resourceOf(config)).toBe('https://mcp.example.com/mcp');
    expect(config.fusionAuthUrl).toBe('http://fusionauth:9011');
    expect(config.issuer).toBe('https://auth.example.com');
  });

  it('keeps the issuer letter by letter', () => {
    for (const issuer of [
      'https://auth.example.com/',
      'https://AUTH.example.com',
      'https://auth.example.com/tenant',
    ]) {
      expect(loadConfig([], { FUSIONAUTH_ISSUER: issuer }).issuer).toBe(issuer);
    }
  });

  it('says what to change when the issuer is still acme.com', () => {
    const error = failure([], { FUSIONAUTH_ISSUER: 'acme.com' });
    expect(error).toMatchObject({ code: 'issuer-not-a-url', exitCode: 2 });
    expect(error['remedy']).toContain('on the tab General set Issuer');
  });

  it.each([
    ['FUSIONAUTH_URL', 'fusionauth:9011'],
    ['FUSIONAUTH_EXTERNAL_URL', 'ftp://auth.example.com'],
    ['FUSIONAUTH_ISSUER', 'https://user:pass@auth.example.com'],
    ['MCP_SERVER_URL', 'mcp.example.com'],
    ['PORT', '80000'],
    ['HOST', 'http://0.0.0.0'],
    ['HOST', '0.0.0.0:8000'],
    ['AUTH', 'no'],
    ['CLOCK_TOLERANCE', '-1'],
    ['CLOCK_TOLERANCE', '301'],
    ['CLOCK_TOLERANCE', '1.5'],
    ['CLOCK_TOLERANCE', '30s'],
    ['TOKEN_CACHE', '-1'],
    ['TOKEN_CACHE', '86401'],
    ['TOKEN_CACHE', '0.5'],
    ['TOKEN_CACHE', 'off'],
    ['TOKEN_VALIDATION', 'local'],
    ['SCOPES_SUPPORTED', ' , '],
    ['SCOPES_SUPPORTED', 'openid "get_name"'],
    ['SCOPES_SUPPORTED', 'openid größe'],
    ['SCOPES_SUPPORTED', 'openid offline_access'],
    ['WEBHOOK_PATH', 'webhooks'],
    ['WEBHOOK_PATH', '/'],
    ['WEBHOOK_PATH', '/mcp/events'],
    ['WEBHOOK_SECRET', 'short'],
    ['DPOP_NONCE_SECRET', 'x'.repeat(31)],
  ])('refuses %s=%s and names the variable', (name, value) => {
    const error = failure([], { [name]: value });
    expect(error).toMatchObject({ code: 'usage', exitCode: 2 });
    expect(error['message']).toContain(name);
  });

  it.each([
    ['CLOCK_TOLERANCE', 'clockTolerance', { '0': 0, '300': 300 }, 30],
    ['TOKEN_CACHE', 'tokenCache', { '0': 0, '86400': 86_400 }, 86_400],
  ] as const)('takes the ends of the range of %s, and a default', (name, member, values, fallback) => {
    for (const [value, read] of Object.entries(values)) {
      expect(loadConfig([], { [name]: value })[member]).toBe(read);
    }
    expect(loadConfig([], {})[member]).toBe(fallback);
  });

  it('asks at first only for what it supports', () => {
    const config = loadConfig([], { SCOPES_SUPPORTED: 'get_name, countdown  get_name' });
    expect(config.scopesSupported).toEqual(['get_name', 'countdown']);
    expect(config.initialScopes).toEqual(['get_name']);
  });

  it('refuses a public URL with a path and names the right one', () => {
    const error = failure(['--mcp-server-url', 'https://mcp.example.com/mcp']);
    expect(error).toMatchObject({ code: 'server-url-with-path', exitCode: 2 });
    expect(error['remedy']).toBe('Set MCP_SERVER_URL to https://mcp.example.com.');
  });

  it('refuses unknown flags with a hint, and stray arguments', () => {
    expect(failure(['--prot', '1'])['remedy']).toContain('Did you mean --port?');
    expect(failure(['8000'])).toMatchObject({ code: 'unexpected-argument', exitCode: 2 });
  });

  it('takes webhooks at a path, signed by a published key or with a secret', () => {
    expect(loadConfig([], {}).webhookPath).toBeUndefined();
    const WEBHOOK_PATH = '/webhooks/fusionauth';
    expect(loadConfig([], { WEBHOOK_PATH })).toMatchObject({
      webhookPath: WEBHOOK_PATH,
      webhookSecret: undefined,
    });
    const WEBHOOK_SECRET = 'x'.repeat(32);
    expect(loadConfig([], { WEBHOOK_PATH, WEBHOOK_SECRET }).webhookSecret).toBe(WEBHOOK_SECRET);
    for (const env of [{ WEBHOOK_SECRET }, { WEBHOOK_PATH, AUTH: 'off' }]) {
      expect(failure([], env)).toMatchObject({ code: 'webhooks-without-use', exitCode: 2 });
    }
  });

  it.each(['127.0.0.1', 'localhost', '::1', '[::1]'])('lets AUTH=off on %s', (HOST) => {
    expect(loadConfig([], { AUTH: 'off', HOST }).authentication).toBe(false);
  });

  it.each([
    { HOST: '0.0.0.0' },
    { HOST: '::' },
    { HOST: '192.168.1.4' },
    { MCP_SERVER_URL: 'https://mcp.example.com' },
  ])('refuses AUTH=off with %o', (env) => {
    expect(failure([], { AUTH: 'off', ...env })).toMatchObject({
      code: 'unprotected-on-network',
      exitCode: 2,
    });
  });
});
