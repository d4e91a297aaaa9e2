// The README of the server, followed word for word by somebody who has his own: the packed package, an empty folder, real sign-ins.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../support/browser.ts';
import { Desktop } from '../support/desktop.ts';
import { freePort } from '../support/free-port.ts';
import type { Environment } from '../support/private-home.ts';
import { Processes, type RunningProcess } from '../support/processes.ts';
import { program } from '../support/programs.ts';
import { Registry } from '../support/registry.ts';
import { System } from '../support/system.ts';

const installing = 240_000;
const processes = new Processes();
let registry: Registry;
let system: System;
let browser: Browser;
/** The folder of the new project, and the environment of its owner. */
let project: { readonly cwd: string; readonly env: Environment };
/** What the README says: the commands of its blocks, and its programs. */
let commands: readonly string[];
let programs: readonly string[];

beforeAll(async () => {
  [registry, system, browser] = await Promise.all([Registry.start(), System.start(), Browser.start()]);
  project = registry.fresh({ PATH: process.env['PATH'] ?? '', HOME: system.folder });
  await shell('npm install @mcp-keyhole/server');
  const readme = readFileSync(join(project.cwd, 'node_modules/@mcp-keyhole/server/README.md'), 'utf8');
  const [, section = ''] = readme.split('\n## Protect your own server\n');
  const blocks = (language: string): string[] =>
    [...(section.split('\n## ')[0] ?? '').matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gsu'))].map(
      ([, text = '']) => text,
    );
  commands = blocks('sh');
  programs = blocks('ts');
}, installing);

afterAll(async () => {
  await processes.close();
  await browser.close();
  await system.close();
  await registry.close();
});

/** Runs a line in the project as a terminal does. */
async function shell(line: string): Promise<string> {
  const running = processes.start(line, program('sh'), ['-ec', line], { ...project, input: '' });
  expect(await running.ended, `${line}\n${running.stdout}${running.stderr}`).toBe(0);
  return running.stdout;
}

test(
  'its programs are TypeScript without a fault, however imports are resolved, with what it says to install',
  async () => {
    await shell(commands[0] ?? '');
    await shell('npm install @modelcontextprotocol/sdk');
    expect(programs).toHaveLength(4);
    for (const [number, text] of programs.entries()) writeFileSync(join(project.cwd, `p${number}.ts`), text);
    const strict = 'npx tsc --strict --skipLibCheck false --target es2023 --types node';
    await shell(`${strict} --noEmit --module esnext --moduleResolution bundler p*.ts`);
    await shell(`${strict} --module nodenext p*.ts`);
  },
  installing,
);

/** Starts one of the programs in front of the system's FusionAuth. */
async function start(number: number, port: number): Promise<RunningProcess> {
  const env = {
    ...project.env,
    PORT: String(port),
    FUSIONAUTH_ISSUER: system.fusionAuthUrl,
    FUSIONAUTH_URL: system.fusionAuthUrl,
  };
  const name = `the README's program ${number}`;
  const running = processes.start(name, process.execPath, [`p${number}.js`], { cwd: project.cwd, env });
  await expect
    .poll(() => fetch(`http://localhost:${port}/mcp`).then(({ status }) => status, String), {
      timeout: 20_000,
    })
    .toBe(401);
  return running;
}

test.each([
  ['the SDK’s current line', 'createMcpHandler'],
  ['the SDK’s v1', 'requireToolScopes'],
  ['all that the program has', 'startServer'],
])(
  'the one with %s is reached through the proxy, which asks for the tool’s scope when it is called, and ends',
  async (_what, part) => {
    const number = programs.findIndex((text) => text.includes(part));
    const port = await freePort();
    const server = await start(number, port);
    const desktop = await Desktop.start();
    const callbackPort = await freePort();
    const register = [
      ...[
        '--name',
        `Weather ${number}`,
        '--oauth-scope',
        'weather',
        '--port',
        String(callbackPort),
        '--json',
      ],
      ...['--fusionauth-url', system.fusionAuthUrl, '--mcp-server-url', `http://localhost:${port}`],
    ];
    const setup = await processes.runBin('mcp-keyhole-setup', register, { env: project.env });
    expect(setup.exit, setup.stderr).toBe(0);
    const { clientId } = JSON.parse(setup.stdout) as { readonly clientId: string };
    const info = JSON.stringify({ client_id: clientId, scope: 'openid profile offline_access' });
    const call = desktop.terminal([
      ...['call', `http://localhost:${port}/mcp`, String(callbackPort), 'forecast'],
      ...['--static-oauth-client-info', info],
    ]);
    await desktop.signIn(browser);
    await desktop.signIn(browser);
    expect(await call.ended, call.stderr).toBe(0);
    expect(call.stdout.trim()).toBe(`Sunny for ${clientId}`);
    await desktop.close();
    // The one that has it written ends orderly, the others as Node.js does.
    expect(await server.end()).toBe(part === 'startServer' ? 0 : 'SIGTERM');
  },
  60_000,
);
