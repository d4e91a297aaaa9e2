// The emulator as a process, and what surrounds its routes: ports, hosts, output, kickstart failures.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { startEmulator } from '@mcp-keyhole/fusionauth-emulator';
import { options } from '../../src/config.ts';
import guideStyle from '../fixtures/guide-style-kickstart.json' with { type: 'json' };
import { api, registerClient, SignIn } from '../support/client.ts';

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1');
const program = fileURLToPath(new URL('../../bin/fusionauth-emulator.js', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const children = new Set<ChildProcessWithoutNullStreams>();
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

function run(...argv: string[]): {
  child: ChildProcessWithoutNullStreams;
  ready: Promise<string>;
  ended: Promise<Ended>;
} {
  const child = spawn(process.execPath, [program, ...argv], {
    env: {
      ...process.env,
      NODE_NO_WARNINGS: '1',
      // Empty counts as absent: the machine's own settings stay out.
      FUSIONAUTH_EXTERNAL_URL: '',
      FUSIONAUTH_APP_KICKSTART_FILE: '',
    },
  });
  children.add(child);
  let stdout = '';
  let stderr = '';
  const ready = new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes('\n')) resolve(stdout);
    });
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, ready, ended };
}

describe('the process', () => {
  // Windows has no signals that a process could answer.
  it.runIf(process.platform !== 'win32').each(['SIGINT', 'SIGTERM'] as const)(
    'prints one line when it is ready, nothing else, and %s ends it with 0',
    async (signal) => {
      const { child, ready, ended } = run('--port', '0');
      const line = await ready;
      const url = /^FusionAuth emulator ready at (?<url>http:\/\/localhost:\d+)\n$/u.exec(line)?.groups?.[
        'url'
      ];
      // Both families, an open connection, and an authorization request through the engine.
      const port = new URL(url ?? '').port;
      const addresses = await Promise.all(
        [`http://127.0.0.1:${port}`, url ?? '', ...(hasIpv6 ? [`http://[::1]:${port}`] : [])].map(
          async (base) => (await fetch(`${base}/api/status`)).status,
        ),
      );
      await fetch(`${url ?? ''}/oauth2/authorize?client_id=unknown`);
      const before = performance.now();
      child.kill(signal);
      const { code, stdout, stderr } = await ended;
      expect(addresses.every((status) => status === 200)).toBe(true);
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: line, stderr: '' });
      expect(performance.now() - before).toBeLessThan(2_000);
    },
  );

  it('says how to get on when its port is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    const { code, stdout, stderr } = await run('--port', String(port)).ended;
    blocker.close();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`Port ${port} is taken`);
    expect(stderr).toContain(`--port ${port + 1}`);
    expect(stderr).toContain('[port-in-use]');
  });

  it.each([
    [['--host', '0.0.0.0'], 'non-loopback-host'],
    [['--prot', '1'], '--port'],
    [['--port', 'x'], 'a port is a whole number'],
    [['--signing', 'none'], 'RS256, HS256'],
    [['--refresh-grace', '86401'], '0 to 86400'],
    [['--fusionauth-version', '1.66'], 'such as 1.66.0'],
    [['something'], '--kickstart FILE'],
  ])('refuses %j with exit code 2', async (argv, words) => {
    const { code, stdout, stderr } = await run(...argv).ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(words);
  });

  it('explains itself', async () => {
    const { code, stdout } = await run('--help').ended;
    expect(code).toBe(0);
    for (const { flag } of Object.values(options)) expect(stdout).toContain(`--${flag}`);
  });

  it('takes its switches as flags', async () => {
    const flags = ['--unlicensed', '--empty-jwks', '--issuer', 'acme.com', '--fusionauth-version', '1.66.0'];
    const { child, ready, ended } = run('--port', '0', ...flags);
    const url = /http\S+/u.exec(await ready)?.[0] ?? '';
    const metadata = (await (await fetch(`${url}/.well-known/openid-configuration`)).json()) as object;
    const jwks = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as object;
    child.kill('SIGKILL');
    await ended;
    expect(metadata).toMatchObject({ issuer: 'acme.com' });
    expect(metadata).not.toHaveProperty('authorization_response_iss_parameter_supported');
    expect(jwks).toEqual({ keys: [] });
  });
});

describe('a kickstart', () => {
  it('in the style of FusionAuth’s guide runs unchanged, from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'emulator-'));
    const file = join(folder, 'kickstart.json');
    await writeFile(file, JSON.stringify(guideStyle));
    const emulator = await startEmulator({ port: 0, kickstart: file });
    try {
      const metadata = (await (
        await fetch(`${emulator.url}/.well-known/openid-configuration`)
      ).json()) as object;
      const tokens = await new SignIn(emulator, await registerClient(emulator)).tokens();
      expect(metadata).toMatchObject({ issuer: 'http://localhost:9011' });
      expect(tokens['userId']).toBe('00000000-0000-0000-0000-000000000001');
    } finally {
      await emulator.close();
      await rm(folder, { recursive: true });
    }
  });

  it('is checked request by request, with the files that it names, and what cannot be done is named', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'emulator-'));
    try {
      const file = join(folder, 'kickstart.json');
      await writeFile(join(folder, 'user.json'), '{"email":"#{email}","password":"password"}');
      await writeFile(join(folder, 'name.txt'), 'from a file');
      const requests = [
        { method: 'POST', url: '/api/user', body: { user: '&{user.json}' } },
        { method: 'POST', url: '/api/application', body: { application: { name: 'Name @{name.txt}' } } },
        { method: 'POST', url: '/api/group', body: {} },
        { method: 'POST', url: '/api/user', body: { user: {} } },
      ];
      await writeFile(
        file,
        JSON.stringify({ variables: { email: 'a@example.com' }, apiKeys: [{ key: 'k' }], requests }),
      );
      const { code, stdout } = await run('kickstart', 'check', file).ended;
      expect(code).toBe(1);
      expect(stdout.split('\n').map((line) => line.slice(0, 27))).toEqual([
        'ok    POST /api/user',
        'ok    POST /api/application',
        'lacks POST /api/group: HTTP',
        'fails POST /api/user: HTTP ',
        '2 of 4 requests run.',
        '',
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('that fails names the request and what was wrong, and leaves the port free', async () => {
    const kickstart = {
      apiKeys: [{ key: 'k' }],
      requests: [
        {
          method: 'POST',
          url: '/api/user',
          body: { user: { email: 'a@example.com', password: 'password' } },
        },
        {
          method: 'POST',
          url: '/api/user',
          body: { user: { email: 'a@example.com', password: 'password' } },
        },
      ],
    };
    await expect(startEmulator({ port: 0, kickstart })).rejects.toMatchObject({
      code: 'kickstart-request-failed',
      message: expect.stringMatching(/request 2 \(POST \/api\/user\).*\[duplicate\]user\.email/u) as string,
    });
  });

  it('that asks for what the emulator does not have says so', async () => {
    const kickstart = {
      apiKeys: [{ key: 'k' }],
      requests: [{ method: 'POST', url: '/api/group', body: {} }],
    };
    await expect(startEmulator({ port: 0, kickstart })).rejects.toMatchObject({
      code: 'kickstart-request-failed',
      remedy: expect.stringContaining('README') as string,
    });
  });

  it('that cannot be read or is no JSON names its file', async () => {
    await expect(startEmulator({ port: 0, kickstart: '/nowhere/kickstart.json' })).rejects.toMatchObject({
      code: 'kickstart-unreadable',
    });
    await expect(startEmulator({ port: 0, kickstart: program })).rejects.toMatchObject({
      code: 'kickstart-invalid',
    });
  });

  it('limits an API key to its permissions', async () => {
    const emulator = await startEmulator({
      port: 0,
      kickstart: {
        apiKeys: [{ key: 'reader', permissions: { endpoints: { '/api/application': ['GET'] } } }],
      },
    });
    try {
      expect((await api(emulator, 'GET', '/api/application')).status).toBe(200);
      expect((await api(emulator, 'POST', '/api/application', {})).status).toBe(401);
      expect((await api(emulator, 'GET', '/api/user?email=x@example.com')).status).toBe(401);
    } finally {
      await emulator.close();
    }
  });
});

describe('the library', () => {
  it('runs several times side by side', async () => {
    const emulators = await Promise.all([1, 2, 3].map(() => startEmulator({ port: 0 })));
    await Promise.all(emulators.map((emulator) => emulator.close()));
    expect(new Set(emulators.map(({ port }) => port)).size).toBe(3);
  });

  it('records requests without secrets, and not those of the kickstart', async () => {
    const emulator = await startEmulator({ port: 0 });
    try {
      await fetch(`${emulator.url}/api/jwt/refresh?token=very-secret`, { method: 'DELETE' });
      await expect.poll(() => emulator.requests.length).toBe(1);
      expect(emulator.requests).toEqual([
        { method: 'DELETE', path: '/api/jwt/refresh', query: ['token'], status: 401 },
      ]);
    } finally {
      await emulator.close();
    }
  });

  it('answers a foreign Host with 403 on loopback (DNS rebinding)', async () => {
    const emulator = await startEmulator({ port: 0 });
    try {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        request({
          host: '127.0.0.1',
          port: emulator.port,
          path: '/api/status',
          headers: { host: 'evil.example' },
        })
          .on('response', (response) => {
            response.resume();
            resolve(response.statusCode);
          })
          .on('error', reject)
          .end();
      });
      expect(status).toBe(403);
    } finally {
      await emulator.close();
    }
  });

  it('refuses a host that others can reach, without leave', async () => {
    await expect(startEmulator({ port: 0, host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'non-loopback-host',
    });
  });
});
