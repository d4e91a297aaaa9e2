import { describe, expect, it } from 'vitest';
import { platforms } from '../src/hosts/machine.ts';
import { isProxyEntry, proxyCommand } from '../src/hosts/proxy-command.ts';

const client = {
  url: 'https://mcp.example.com/my tools/mcp',
  clientId: '9436b02d-9305-4772-a237-5fabcf6e7f6a',
  scopes: ['openid', 'offline_access'],
  callbackPort: 3335,
  secretName: 'work',
};

describe('what a host starts', () => {
  it('is npx, with an argument for each scope', () => {
    expect(proxyCommand(client, 'linux')).toEqual({
      command: 'npx',
      args: [
        ...['-y', 'mcp-keyhole', 'https://mcp.example.com/my%20tools/mcp', '3335'],
        ...['--client-id', client.clientId, '--scope', 'openid', '--scope', 'offline_access'],
        ...['--client-secret', 'keychain:work'],
      ],
    });
  });

  it('is npx by way of cmd on Windows', () => {
    const plain = { ...client, url: 'https://mcp.example.com/mcp' };
    const { command, args } = proxyCommand(plain, 'win32');
    expect([command, ...args.slice(0, 5)]).toEqual([
      ...['cmd', '/c', 'npx', '-y', 'mcp-keyhole'],
      'https://mcp.example.com/mcp',
    ]);
  });

  it.each(platforms)('has no space and no quote in any argument on %s', (platform) => {
    const { args } = proxyCommand({ ...client, url: 'http://[::1]:8000/mcp' }, platform);
    expect(args).toContain('--allow-http');
    expect(args.filter((argument) => /[\s"']/u.test(argument))).toEqual([]);
  });

  it.each([
    'https://mcp.example.com/mcp?a=1&b=2',
    'https://mcp.example.com/%PATH%',
    'https://mcp.example.com/(a)',
  ])('is refused on Windows for %s, which cmd would take apart, and taken elsewhere', (url) => {
    expect(() => proxyCommand({ ...client, url }, 'win32')).toThrow('cannot be an argument');
    expect(proxyCommand({ ...client, url }, 'darwin').args).toContain(url);
  });

  it('is node with the file of a clone, on Windows too', () => {
    const file = String.raw`C:\my clone\proxy.js`;
    const { command, args } = proxyCommand(client, 'win32', file);
    expect([command, ...args.slice(0, 2)]).toEqual(['node', file, 'https://mcp.example.com/my%20tools/mcp']);
  });

  it('is known again, and so is the proxy that it replaces', () => {
    expect(isProxyEntry(proxyCommand(client, 'linux'))).toBe(true);
    expect(isProxyEntry({ command: 'npx', args: ['mcp-remote@latest'] })).toBe(true);
    expect(isProxyEntry({ command: 'npx', args: ['other'] })).toBe(false);
  });
});
