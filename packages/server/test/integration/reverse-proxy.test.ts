import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { v1Host, v2Host } from '../support/mcp-clients.ts';
import { bearer, callGetName, protectedServer } from '../support/protected-server.ts';
import { freePort } from '../support/redis-server.ts';

/** A real Caddy on a free loopback port, ended with the scope. */
async function caddy(port: number, site: string): Promise<AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'keyhole-caddy-'));
  const file = join(folder, 'Caddyfile');
  writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n}\nhttp://localhost:${port} {\n${site}\n}\n`);
  const child = spawn('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], {
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.on('error', () => undefined);
  const ended = once(child, 'close').catch((error: unknown) => {
    throw new Error('The program caddy is missing. Install it: apt-get install caddy', { cause: error });
  });
  const started = async (): Promise<void> => {
    for await (const line of createInterface(child.stderr)) {
      if (line.includes('serving initial configuration')) return;
    }
    await ended;
    throw new Error('caddy ended before it served');
  };
  await started();
  child.stderr.resume();
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe.skipIf(process.platform !== 'linux')('the server behind a real Caddy (Linux only)', () => {
  it.each([
    ['with the path kept', (port: number) => `\treverse_proxy 127.0.0.1:${port}`],
    [
      'with the path stripped',
      (port: number) =>
        `\thandle_path /tools/* {\n\t\treverse_proxy 127.0.0.1:${port}\n\t}\n` +
        `\thandle /.well-known/oauth-protected-resource/* {\n\t\treverse_proxy 127.0.0.1:${port}\n\t}`,
    ],
  ])('serves hosts of both eras under a path of its own, %s', async (_name, site) => {
    const port = await freePort();
    const publicUrl = `http://localhost:${port}/tools`;
    await using running = await protectedServer({ env: { MCP_SERVER_URL: publicUrl, TRUST_PROXY: '1' } });
    await using proxy = await caddy(port, site(running.server.port));
    expect(proxy).toBeDefined();
    expect(running.server.url).toBe(publicUrl);
    const token = await running.fusionAuth.token({ aud: ['client', `${publicUrl}/mcp`] });
    for (const visit of [v1Host, v2Host('auto')]) {
      expect((await visit(`${publicUrl}/mcp`, token)).tools).toContain('get_name');
    }
    // The client's address, not Caddy's; a forged one does not get through it.
    await callGetName(`${publicUrl}/mcp`, { ...bearer(token), 'X-Forwarded-For': '198.51.100.7' });
    for (const { address } of running.entries('audit')) expect(address).toMatch(/^(?:127\.0\.0\.1|::1)$/u);

    const challenge = (await callGetName(`${publicUrl}/mcp`)).headers.get('www-authenticate') ?? '';
    const metadata = /resource_metadata="(?<url>[^"]+)"/u.exec(challenge)?.groups?.['url'] ?? '';
    expect(metadata).toBe(`http://localhost:${port}/.well-known/oauth-protected-resource/tools/mcp`);
    expect(await (await fetch(metadata)).json()).toMatchObject({ resource: `${publicUrl}/mcp` });
  });
});
