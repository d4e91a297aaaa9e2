import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from '@mcp-keyhole/cli-kit';
import { describe, expect, it } from 'vitest';
import { demoApiKey, findApiKey } from '../src/api-key.ts';
import { command, type RegisterConfig } from '../src/commands/register.ts';
import { configOf } from './support/config.ts';

function config(argv: string[], env: Record<string, string> = {}): RegisterConfig {
  return configOf(command, argv, env, () => 'key-from-file\n');
}

function refusal(argv: string[], env: Record<string, string> = {}): CliError {
  try {
    config(argv, env);
  } catch (error) {
    if (error instanceof CliError) return error as CliError;
    throw error;
  }
  throw new Error(`${argv.join(' ')} is accepted`);
}

describe('the configuration of the setup tool', () => {
  it("has the guide's defaults", () => {
    expect(config([])).toMatchObject({
      name: undefined,
      fusionAuthUrl: 'http://localhost:9011',
      apiKey: undefined,
      mcpServerUrl: 'http://localhost:8000',
      resources: ['http://localhost:8000/mcp'],
      scopes: ['get_name', 'set_greeting', 'countdown'],
      confidential: false,
      foreign: false,
      callbackPort: 3334,
      tenantId: undefined,
      proxyPath: undefined,
      json: false,
      debug: false,
    });
    expect(Object.isFrozen(config([]))).toBe(true);
  });

  it('trims slashes at the end of both URLs', () => {
    const { fusionAuthUrl, mcpServerUrl } = config([
      '--fusionauth-url=http://127.0.0.1:9011//',
      '--mcp-server-url=https://MCP.example.com/base/',
    ]);
    expect(fusionAuthUrl).toBe('http://127.0.0.1:9011');
    expect(mcpServerUrl).toBe('https://mcp.example.com/base');
  });

  it('refuses a server URL that ends in /mcp, which would become /mcp/mcp', () => {
    expect(refusal(['--mcp-server-url', 'http://localhost:8000/mcp/'])).toMatchObject({
      exitCode: 2,
      message:
        '--mcp-server-url cannot be used ("http://localhost:8000/mcp/"): /mcp is added to it, so leave that out.',
    });
  });

  it.each(['--fusionauth-url', '--mcp-server-url'])('refuses what is no base URL for %s', (flag) => {
    for (const bad of ['localhost:9011', 'ftp://a.example', 'http://a.example?x=1', 'http://u:p@a.example']) {
      expect(refusal([flag, bad]).exitCode).toBe(2);
    }
  });

  it('takes the API key from the flag, a file or the environment', () => {
    expect(config(['--api-key', 'k1'], { FUSIONAUTH_API_KEY: 'k2' })).toMatchObject({
      apiKey: 'k1',
    });
    expect(config([], { FUSIONAUTH_API_KEY: 'k2' }).apiKey).toBe('k2');
    expect(config(['--api-key', '@file']).apiKey).toBe('key-from-file');
    expect(config(['--api-key', '${K3}'], { K3: 'k3' }).apiKey).toBe('k3');
  });

  it('refuses an API key that no header can carry, without showing it', () => {
    const error = refusal(['--api-key', 'ab\r\ncd']);
    expect(error.exitCode).toBe(2);
    expect(error.message).not.toContain('ab');
  });

  it('makes the path of the proxy absolute, and refuses one that is not there', () => {
    const file = fileURLToPath(import.meta.url);
    expect(config(['--proxy-path', path.relative(process.cwd(), file)]).proxyPath).toBe(file);
    expect(refusal(['--proxy-path', 'no/such/file.js']).message).toContain('there is no file');
    expect(refusal(['--proxy-path', path.dirname(file)]).message).toContain('there is no file');
  });

  it('takes a name of one line', () => {
    expect(config(['--name', ' Claude Desktop ']).name).toBe('Claude Desktop');
    expect(refusal(['--name', '']).exitCode).toBe(2);
    expect(refusal(['--name', 'a\nb']).exitCode).toBe(2);
  });

  it('knows tenants by their UUID', () => {
    expect(config(['--tenant-id', 'D7D09513-A3F5-401C-9685-34AB6C552453']).tenantId).toBe(
      'd7d09513-a3f5-401c-9685-34ab6c552453',
    );
    expect(refusal(['--tenant-id', 'default']).exitCode).toBe(2);
  });

  it('knows the hosts that sign in by themselves, with what they need', () => {
    expect(config(['--for', 'claude.ai'])).toMatchObject({
      connector: { id: 'claude.ai' },
      redirectUrls: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
      confidential: true,
    });
    expect(config(['--for', 'inspector'])).toMatchObject({ confidential: false });
    expect(
      config(['--for', 'chatgpt', '--redirect-url', 'https://chatgpt.com/connector/oauth/x']),
    ).toMatchObject({ redirectUrls: [expect.any(String), 'https://chatgpt.com/connector/oauth/x'] });
    expect(refusal(['--for', 'claude']).message).toContain('it is one of claude.ai');
  });

  it.each([
    ['--redirect-url', '/callback', 'a full URL'],
    ['--redirect-url', 'http://host.example/callback', 'reads the code'],
    ['--redirect-url', 'https://host.example/#x', 'fragment'],
    ['--redirect-url', 'https://*.example/cb', 'compared exactly'],
    ['--redirect-url', 'javascript:alert(1)', 'a browser would run'],
    ['--resource', 'mcp.example.com', 'a full URL'],
    ['--oauth-scope', 'two words', 'one word'],
    ['--oauth-scope', 'openid', 'without being told'],
  ])('refuses %s %s', (flag, value, why) => {
    const error = refusal([flag, value]);
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain(why);
  });

  it('refuses words without a flag, and suggests quotes', () => {
    expect(refusal(['--name', 'Claude', 'Desktop'])).toMatchObject({
      exitCode: 2,
      message: 'There is nothing to do with "Desktop".',
    });
  });

  it('shows help and version whatever else is wrong', () => {
    expect(command.load(['--help', '--fusionauth-url', 'x'], {})).toEqual({ show: 'help' });
    expect(command.load(['--version'], { FUSIONAUTH_URL: 'https://auth.example.com' })).toEqual({
      show: 'version',
    });
  });
});

describe('the API key', () => {
  const elsewhere = config(['--fusionauth-url', 'https://auth.example.com']);

  it('is the given one, or the demo key on this machine', async () => {
    await expect(findApiKey(config([]), { askApiKey: undefined })).resolves.toBe(demoApiKey);
    const given = config([], { FUSIONAUTH_API_KEY: 'k' });
    await expect(findApiKey(given, { askApiKey: undefined })).resolves.toBe('k');
  });

  it('is never the demo key on another machine, but asked for', async () => {
    await expect(findApiKey(elsewhere, { askApiKey: undefined })).rejects.toMatchObject({
      code: 'api-key-missing',
      exitCode: 2,
    });
    const askApiKey = (url: string): Promise<string> => Promise.resolve(`typed for ${url}`);
    await expect(findApiKey(elsewhere, { askApiKey })).resolves.toBe('typed for https://auth.example.com');
  });
});
