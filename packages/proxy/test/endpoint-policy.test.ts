import { describe, expect, it } from 'vitest';
import { createEndpointPolicy } from '../src/authorization/endpoint-policy.ts';
import { refusalOf } from './support/failure.ts';

const remote = new URL('https://mcp.example.com/mcp');
const local = new URL('http://localhost:8000/mcp');
const inOffice = new URL('https://10.1.2.3/mcp');

const refusal = (server: URL, address: string, allowHttp = false) =>
  refusalOf(() => createEndpointPolicy(server, allowHttp)('token endpoint', address));
const allowed = (server: URL, address: string, allowHttp = false): string =>
  createEndpointPolicy(server, allowHttp)('token endpoint', address).href;

describe('an address that a remote server names', () => {
  it.each([
    'https://login.example.com/token',
    'https://login.example.com:8443/token',
    'https://93.184.216.34/token',
  ])('is taken: %s', (address) => {
    expect(allowed(remote, address)).toBe(address);
  });

  it.each([
    ['/token', 'it is not a URL'],
    ['', 'it is not a URL'],
    ['file:///etc/passwd', 'it is not a web address'],
    ['javascript:alert(1)', 'it is not a web address'],
    ['ftp://login.example.com/', 'it is not a web address'],
    ['https://user@login.example.com/', 'user name or password'],
    ['https://user:pass@login.example.com/', 'user name or password'],
    ['http://login.example.com/token', 'it is not https'],
  ])('is refused: %s', async (address, why) => {
    const { code, message } = await refusal(remote, address);
    expect(code).toBe('insecure-endpoint');
    expect(message).toContain(`token endpoint ${address}`);
    expect(message).toContain(why);
  });

  it.each([
    'https://localhost/token',
    'https://localhost./token',
    'https://app.localhost/token',
    'https://127.0.0.1/token',
    'https://127.8.8.8/token',
    'https://2130706433/token',
    'https://0x7f.1/token',
    'https://[::1]/token',
    'https://[::ffff:127.0.0.1]/token',
    'https://0.0.0.0/token',
    'https://[::]/token',
    'https://10.0.0.1/token',
    'https://100.64.0.1/token',
    'https://169.254.169.254/latest/meta-data',
    'https://172.16.0.1/token',
    'https://172.31.255.255/token',
    'https://192.168.1.1/token',
    'https://[::ffff:192.168.1.1]/token',
    'https://[fd00::1]/token',
    'https://[fe80::1]/token',
    'http://localhost:9011/token',
  ])('is refused when it points into this machine or a private network: %s', async (address) => {
    const { code, message } = await refusal(remote, address);
    expect(code).toBe('insecure-endpoint');
    expect(message).toContain('this machine or a private network');
  });

  it.each([
    'https://172.15.0.1/token',
    'https://172.32.0.1/token',
    'https://100.128.0.1/token',
    'https://11.0.0.1/token',
  ])('is taken just outside the private networks: %s', (address) => {
    expect(allowed(remote, address)).toBe(address);
  });

  it('may be http elsewhere when the user allowed http, yet never in a private network', async () => {
    expect(allowed(remote, 'http://login.example.com/', true)).toBe('http://login.example.com/');
    expect((await refusal(remote, 'http://192.168.1.1/', true)).code).toBe('insecure-endpoint');
  });
});

describe('an address that a server on this machine or in a private network names', () => {
  it.each(['http://localhost:9011/token', 'http://127.0.0.1:9011/token', 'http://[::1]:9011/token'])(
    'may be on this machine, by http: %s',
    (address) => {
      expect(allowed(local, address)).toBe(address);
      expect(allowed(inOffice, address)).toBe(address);
    },
  );

  it('may be in a private network, by https', async () => {
    expect(allowed(inOffice, 'https://10.9.9.9/token')).toBe('https://10.9.9.9/token');
    expect(allowed(local, 'https://192.168.1.1/token')).toBe('https://192.168.1.1/token');
    expect((await refusal(local, 'http://192.168.1.1/token')).message).toContain('it is not https');
    expect(allowed(local, 'http://192.168.1.1/token', true)).toBe('http://192.168.1.1/token');
  });
});
