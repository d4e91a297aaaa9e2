import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { FusionAuthStandIn } from '../support/fusionauth-stand-in.ts';
import { bearer, callGetName, greetingIn } from '../support/protected-server.ts';
import { ServerProcess } from '../support/server-process.ts';

const run = async (argv: string[], env: Record<string, string> = {}) => new ServerProcess(argv, env).ended;

describe('mcp-keyhole-server', () => {
  it('shows its flags and variables, and its version', async () => {
    const [help, version] = await Promise.all([run(['--help']), run(['--version'])]);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('FUSIONAUTH_ISSUER');
    expect(version).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });

  it('ends with 2 and a remedy for the issuer acme.com', async () => {
    const { code, stdout, stderr } = await run([], { FUSIONAUTH_ISSUER: 'acme.com' });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^mcp-keyhole-server: The issuer "acme\.com" is not an http or https URL/u);
    expect(stderr).toContain('[issuer-not-a-url]');
  });

  it('ends with 1 and the way out when its port is in use', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    const { code, stderr } = await run(['--port', String(port)]);
    squatter.close();
    expect(code).toBe(1);
    expect(stderr).toContain(`Port ${port} is in use by another process.`);
    expect(stderr).toContain('--port');
    expect(stderr).not.toContain('    at ');
  });

  it('ends with 1 when the machine lacks the address', async () => {
    const { code, stderr } = await run(['--port', '0', '--host', '192.0.2.1']);
    expect(code).toBe(1);
    expect(stderr).toContain('[host-not-available]');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'starts before FusionAuth is up, says so, and ends at %s',
    async (signal) => {
      const server = new ServerProcess(['--port', '0'], { FUSIONAUTH_URL: 'http://localhost:1' });
      expect(await server.entry('listening')).toMatchObject({ level: 'info', authentication: true });
      expect(await server.entry('cannot be reached yet')).toMatchObject({ level: 'warn' });
      server.child.kill(signal);
      expect((await server.ended).code).toBe(0);
      expect(await server.entry('stopped')).toBeDefined();
    },
  );

  it.each([
    ['lets the request under way finish', true],
    ['ends although FusionAuth hangs', false],
  ])('%s at SIGTERM', async (_name, answered) => {
    const fusionAuth = await FusionAuthStandIn.start('https://mcp.example.com/mcp');
    fusionAuth.validation = 'hang';
    const server = new ServerProcess(['--port', '0', '--mcp-server-url', 'https://mcp.example.com'], {
      FUSIONAUTH_URL: fusionAuth.url,
      DRAIN_TIMEOUT: answered ? '10' : '1',
    });
    const { port } = await server.entry('listening');
    const answer = callGetName(`http://127.0.0.1:${String(port)}/mcp`, bearer(await fusionAuth.token())).then(
      ({ status }) => status,
      () => 'cut',
    );
    await fusionAuth.receives('/api/jwt/validate');
    const asked = performance.now();
    server.child.kill('SIGTERM');
    await server.entry('stopping');
    if (answered) fusionAuth.release();
    expect((await server.ended).code).toBe(0);
    expect(await answer).toBe(answered ? 401 : 'cut');
    expect(performance.now() - asked).toBeLessThan(4_000);
    await fusionAuth.close();
  });

  it("warns when FusionAuth's issuer is still acme.com, and serves all the same", async () => {
    const fusionAuth = await FusionAuthStandIn.start('http://localhost/mcp');
    const url = fusionAuth.issuer;
    fusionAuth.issuer = 'acme.com';
    const server = new ServerProcess(['--port', '0'], { FUSIONAUTH_URL: fusionAuth.url });
    expect(await server.entry('its tokens will be refused')).toMatchObject({
      level: 'warn',
      found: 'acme.com',
      expected: url,
      remedy: expect.stringContaining('set Issuer') as string,
    });
    server.child.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
    await fusionAuth.close();
  });

  it('writes no token to stdout or stderr', async () => {
    const fusionAuth = await FusionAuthStandIn.start('https://mcp.example.com/mcp');
    const server = new ServerProcess(
      ['--port', '0', '--debug', '--mcp-server-url', 'https://mcp.example.com'],
      {
        FUSIONAUTH_URL: fusionAuth.url,
      },
    );
    const { port } = await server.entry('listening');
    const endpoint = `http://127.0.0.1:${String(port)}/mcp`;
    expect(await greetingIn(await callGetName(endpoint, bearer(await fusionAuth.token())))).toBe(
      'Hello, Test User!',
    );
    await callGetName(endpoint, bearer(await fusionAuth.token({ aud: 'other' })));
    await callGetName(endpoint, bearer(await fusionAuth.forgedToken()));
    server.child.kill('SIGTERM');
    const { stdout, stderr } = await server.ended;
    expect(stderr).toBe('');
    expect(stdout).toContain('access token refused');
    for (const token of fusionAuth.tokens) {
      for (const part of token.split('.').slice(1)) expect(stdout).not.toContain(part);
    }
    await fusionAuth.close();
  });
});
