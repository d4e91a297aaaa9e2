// Every FusionAuth that the emulator's switches break, and every client that the API can spoil: the finding that it must
// lead to and no other, and what `--fix` leaves.
import { startEmulator, type EmulatorOptions } from '@mcp-keyhole/fusionauth-emulator';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, demoApiKey } from '../../src/api-key.ts';
import { register } from '../../src/clients/registration.ts';
import { command as doctorCommand } from '../../src/commands/doctor.ts';
import { command as registerCommand } from '../../src/commands/register.ts';
import { doctor } from '../../src/doctor/doctor.ts';
import { configOf, emptyTerminal } from '../support/config.ts';
import { startLoopbackServer } from '../support/loopback-server.ts';

type Emulator = Awaited<ReturnType<typeof startEmulator>>;

interface Visit {
  readonly exitCode: number;
  readonly codes: readonly string[];
}

async function visit(url: string, ...args: string[]): Promise<Visit> {
  const config = configOf(doctorCommand, ['--fusionauth-url', url, ...args, '--json']);
  let output = '';
  const exitCode = await doctor(config, {
    write: (words) => (output += words),
    confirm: undefined,
  });
  const { findings } = JSON.parse(output) as { findings: { code: string }[] };
  return { exitCode, codes: findings.map(({ code }) => code) };
}

const rows: string[] = [];
const note = (what: string, found: Visit, left: Visit): void => {
  const words = ({ codes }: Visit): string => (codes.length === 0 ? 'nothing' : codes.join(', '));
  rows.push(`  ${what.padEnd(44)} ${words(found).padEnd(32)} ${words(left)}`);
};

afterAll(() => {
  process.stdout.write(
    `\nWhat doctor finds                              finding                          left after --fix\n${rows.join('\n')}\n\n`,
  );
});

describe('at a FusionAuth', () => {
  let emulator: Emulator | undefined;
  afterEach(async () => {
    await emulator?.close();
    emulator = undefined;
  });

  const broken: readonly {
    readonly title: string;
    readonly options: EmulatorOptions;
    readonly finds: readonly string[];
    /** What stays, because no call of the API changes it. */
    readonly leaves: readonly string[];
  }[] = [
    { title: 'with nothing wrong', options: {}, finds: [], leaves: [] },
    {
      title: 'whose issuer is acme.com',
      options: { issuer: 'acme.com' },
      finds: ['issuer-mismatch'],
      leaves: [],
    },
    { title: 'that signs with HS256', options: { signing: 'HS256' }, finds: ['signing-key'], leaves: [] },
    {
      title: 'that publishes no keys',
      options: { emptyJwks: true },
      finds: ['jwks-incomplete'],
      leaves: ['jwks-incomplete'],
    },
    {
      title: 'without a license',
      options: { licensed: false },
      finds: ['license-missing'],
      leaves: ['license-missing'],
    },
    {
      title: 'of version 1.66, without resource',
      options: { fusionAuthVersion: '1.66.0' },
      finds: ['version-too-old'],
      leaves: ['version-too-old'],
    },
    {
      title: 'of version 1.68, without iss',
      options: { fusionAuthVersion: '1.68.0' },
      finds: ['issuer-not-named'],
      leaves: ['issuer-not-named'],
    },
    {
      title: 'whose refresh tokens are for one use',
      options: { refreshUsage: 'OneTimeUse' },
      finds: ['refresh-without-grace'],
      leaves: [],
    },
  ];

  it.each(broken)('$title finds that and no more', async ({ title, options, finds, leaves }) => {
    emulator = await startEmulator({ port: 0, ...options });
    const found = await visit(emulator.url);
    const left = await visit(emulator.url, '--fix', '--yes');
    note(title, found, left);
    expect(found).toEqual({ exitCode: finds.length === 0 ? 0 : 1, codes: finds });
    expect(left).toEqual({ exitCode: leaves.length === 0 ? 0 : 1, codes: leaves });
  });
});

describe('of a client', () => {
  let emulator: Emulator;
  let clientId: string;

  beforeAll(async () => {
    emulator = await startEmulator({ port: 0 });
  });
  afterAll(() => emulator.close());

  async function registered(name: string, ...flags: string[]): Promise<string> {
    const config = configOf(registerCommand, ['--fusionauth-url', emulator.url, '--name', name, ...flags]);
    const terminal = emptyTerminal();
    return (await register(config, await connect(config, terminal), terminal)).clientId;
  }

  /** Changes the application as an administrator would. */
  async function spoil(oauthConfiguration: object): Promise<void> {
    const response = await fetch(`${emulator.url}/api/application/${clientId}`, {
      method: 'PATCH',
      headers: { authorization: demoApiKey, 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify({ application: { oauthConfiguration } }),
    });
    expect(response.status).toBe(200);
  }

  const spoilt: readonly {
    readonly title: string;
    readonly change: object;
    readonly finds: string;
    readonly leaves?: readonly string[];
  }[] = [
    {
      title: 'that needs a secret to refresh (trap 2)',
      change: { clientAuthenticationPolicy: 'NotRequiredWhenUsingPKCE' },
      finds: 'client-authentication',
    },
    {
      title: 'without refresh tokens',
      change: { generateRefreshTokens: false },
      finds: 'client-without-refresh-tokens',
    },
    {
      title: 'without the refresh grant',
      change: { enabledGrants: ['authorization_code'] },
      finds: 'client-grants',
    },
    {
      title: 'with another callback port',
      change: { authorizedRedirectURLs: ['http://localhost:4444/oauth/callback'] },
      finds: 'client-redirect-url',
    },
    {
      title: 'without a resource, where none is named',
      change: { authorizedResourceUris: [] },
      finds: 'client-resource',
      leaves: ['client-resource'],
    },
  ];

  it('that setup registered finds nothing', async () => {
    clientId = await registered('Untouched');
    expect(await visit(emulator.url, '--client-id', clientId)).toEqual({ exitCode: 0, codes: [] });
  });

  it('that does not exist says so', async () => {
    const nobody = '00000000-0000-0000-0000-00000000dead';
    expect(await visit(emulator.url, '--client-id', nobody)).toEqual({
      exitCode: 1,
      codes: ['client-absent'],
    });
  });

  it.each(spoilt)(
    '$title finds that and no more, and mends what it can',
    async ({ title, change, finds, leaves = [] }) => {
      clientId = await registered(title);
      await spoil(change);
      const found = await visit(emulator.url, '--client-id', clientId);
      const left = await visit(emulator.url, '--client-id', clientId, '--fix', '--yes');
      note(`client ${title}`, found, left);
      expect(found.codes).toEqual([finds]);
      expect(left).toEqual({ exitCode: leaves.length === 0 ? 0 : 1, codes: leaves });
    },
  );

  it('that is inactive finds that, and is made active again', async () => {
    clientId = await registered('Inactive');
    const response = await fetch(`${emulator.url}/api/application/${clientId}`, {
      method: 'DELETE',
      headers: { authorization: demoApiKey },
    });
    expect(response.status).toBe(200);
    const found = await visit(emulator.url, '--client-id', clientId);
    const left = await visit(emulator.url, '--client-id', clientId, '--fix', '--yes');
    note('client that is inactive', found, left);
    expect(found.codes).toEqual(['client-inactive']);
    expect(left).toEqual({ exitCode: 0, codes: [] });
  });

  it.each([
    {
      title: 'lacks a scope of a tool only',
      lacks: ['set_greeting', 'countdown'],
      finds: ['client-tool-scope'],
    },
    { title: 'lacks a scope of the sign-in', lacks: ['get_name'], finds: ['client-scope'] },
    { title: 'lacks both', lacks: ['get_name', 'countdown'], finds: ['client-scope', 'client-tool-scope'] },
    {
      title: 'lacks a scope, and no challenge says when it is asked for',
      lacks: ['countdown'],
      finds: ['client-scope'],
      challenge: {},
    },
  ])(
    'that $title finds that, with the server there, and mends it',
    async ({ title, lacks, finds, challenge }) => {
      const headers = challenge ?? {
        'www-authenticate': 'Bearer scope="openid profile get_name", resource_metadata="x"',
      };
      const server = await startLoopbackServer(({ path }) =>
        path === '/mcp'
          ? { status: 401, headers }
          : {
              status: 200,
              body: {
                resource: `${server.url}/mcp`,
                authorization_servers: [emulator.url],
                scopes_supported: ['openid', 'profile', 'get_name', 'set_greeting', 'countdown'],
              },
            },
      );
      try {
        const wanted = ['get_name', 'set_greeting', 'countdown', 'other'].filter(
          (scope) => !lacks.includes(scope),
        );
        const scopes = wanted.flatMap((scope) => ['--oauth-scope', scope]);
        clientId = await registered(title, '--mcp-server-url', server.url, ...scopes);
        const question = ['--client-id', clientId, '--mcp-server-url', server.url];
        const found = await visit(emulator.url, ...question);
        const left = await visit(emulator.url, ...question, '--fix', '--yes');
        note(`client that ${title}`, found, left);
        expect(found.codes).toEqual(finds);
        expect(left).toEqual({ exitCode: 0, codes: [] });
      } finally {
        await server.close();
      }
    },
  );

  it('is not changed without consent', async () => {
    clientId = await registered('Left alone');
    await spoil({ generateRefreshTokens: false });
    await expect(visit(emulator.url, '--client-id', clientId, '--fix')).rejects.toMatchObject({
      code: 'confirmation-missing',
    });
    expect((await visit(emulator.url, '--client-id', clientId)).codes).toEqual([
      'client-without-refresh-tokens',
    ]);
  });
});

it('no API key is needed for what is public', async () => {
  const emulator = await startEmulator({ port: 0, issuer: 'acme.com' });
  try {
    const found = await visit(emulator.url, '--api-key', 'not-the-key');
    expect(found.codes).toContain('issuer-mismatch');
    expect(found.codes).toContain('api-key-refused');
  } finally {
    await emulator.close();
  }
});

describe('at a server that takes only tokens which are bound to a key (DPoP)', () => {
  it.each([
    ['of a FusionAuth that issues none', false, true],
    ['of one that does', true, false],
  ])('%s', async (_title, licensed, finds) => {
    const emulator = await startEmulator({ port: 0, licensed });
    const server = await startLoopbackServer(({ headers: { host = '' }, path }) =>
      path === '/.well-known/oauth-protected-resource/mcp'
        ? {
            status: 200,
            body: {
              resource: `http://${host}/mcp`,
              authorization_servers: [emulator.url],
              scopes_supported: ['openid'],
              dpop_bound_access_tokens_required: true,
            },
          }
        : { status: 404 },
    );
    try {
      const { codes } = await visit(emulator.url, '--mcp-server-url', server.url);
      expect(codes.includes('binding-impossible')).toBe(finds);
    } finally {
      await server.close();
      await emulator.close();
    }
  });
});
