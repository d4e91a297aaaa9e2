import { describe, expect, it } from 'vitest';
import { command } from '../src/commands/portal.ts';
import { configOf } from './support/config.ts';

const https = 'https://clients.example.com';

describe('the configuration of the portal', () => {
  it('is for this machine alone by default', () => {
    expect(configOf(command, [])).toEqual({
      listen: { host: '127.0.0.1', port: 7070 },
      portalUrl: 'http://127.0.0.1:7070',
      fusionAuthUrl: 'http://localhost:9011',
      publicUrl: 'http://localhost:9011',
      mcpServerUrl: 'http://localhost:8000',
      tenantId: undefined,
      apiKey: undefined,
      maxClients: 20,
      scopes: ['get_name', 'set_greeting', 'countdown'],
      debug: false,
    });
  });

  it.each([
    [['--listen', '8080'], { host: '127.0.0.1', port: 8080 }, 'http://127.0.0.1:8080'],
    [['--listen', '[::1]:8080'], { host: '[::1]', port: 8080 }, 'http://[::1]:8080'],
    [['--listen', 'LOCALHOST:8080'], { host: 'localhost', port: 8080 }, 'http://localhost:8080'],
    [['--listen', '0.0.0.0:80', '--portal-url', https], { host: '0.0.0.0', port: 80 }, https],
    [['--portal-url', `${https}/`], { host: '127.0.0.1', port: 7070 }, https],
  ])('takes %j', (argv, listen, portalUrl) => {
    expect(configOf(command, argv)).toMatchObject({ listen, portalUrl });
  });

  it('takes the scopes that each client gets, by the flag that register has', () => {
    const argv = ['read', 'write', 'read'].flatMap((scope) => ['--oauth-scope', scope]);
    expect(configOf(command, argv)).toMatchObject({ scopes: ['read', 'write'] });
  });

  it('tells where browsers reach FusionAuth from where the portal does', () => {
    const env = {
      FUSIONAUTH_URL: 'http://fusionauth:9011',
      FUSIONAUTH_EXTERNAL_URL: 'https://auth.example.com/',
    };
    expect(configOf(command, [], env)).toMatchObject({
      fusionAuthUrl: 'http://fusionauth:9011',
      publicUrl: 'https://auth.example.com',
    });
  });

  it.each([
    [['--listen', '0.0.0.0:7070'], 'On 0.0.0.0 other machines reach the portal'],
    [
      ['--listen', '[::]:7070', '--portal-url', 'http://localhost:7070'],
      'With --listen [::] other machines reach',
    ],
    [['--portal-url', 'http://clients.example.com'], 'without TLS'],
    [['--portal-url', `${https}/portal`], 'a host of its own'],
    [['--listen', '127.0.0.1'], 'it is a port, or host and port'],
    [['--listen', '0'], 'a port is a whole number from 1'],
    [['--listen', '300.1.1.1:80'], 'it is a port, or host and port'],
    [['--max-clients', '0'], 'from 1 to 9999'],
    [['--oauth-scope', 'two words'], 'a scope is one word'],
    [['--oauth-scope', 'profile'], 'FusionAuth has that scope'],
    [['somebody'], 'There is nothing to do with "somebody"'],
  ])('refuses %j', (argv, said) => {
    expect(() => configOf(command, argv)).toThrow(
      expect.objectContaining({
        code: 'usage',
        exitCode: 2,
        message: expect.stringContaining(said) as string,
      }) as Error,
    );
  });
});
