// What a host gets while the server is not there, and after how many milliseconds: nobody has signed in, it is down, it is slow.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Browser } from './support/browser.ts';
import { printFigures } from './support/crowd.ts';
import { Desktop, entryOf } from './support/desktop.ts';
import { freePort } from './support/free-port.ts';
import { Gate } from './support/gate.ts';
import { Processes } from './support/processes.ts';
import { RawHost, type Answer } from './support/raw-host.ts';
import { System, type HostConfiguration } from './support/system.ts';

const eras = ['legacy', 'modern'] as const;
type Era = (typeof eras)[number];

/** What counts as at once, in milliseconds, on a machine that does other things too. */
const atOnce = 3_000;
/** How long the slow server takes for its first answer. */
const slowness = 20_000;
/** What the server with and the one without authentication offer. */
const tools = ['get_name', 'set_greeting', 'countdown'];

/** The answer to a call, the milliseconds that it waited, and the address to sign in at that was opened before it. */
interface Failure {
  readonly answer: Answer;
  readonly waited: number;
  readonly url: string;
}

let system: System;
let browser: Browser;
/** The proxy's arguments for the protected server. */
let protectedServer: readonly string[];
/** The port of a server that asks nobody to sign in. */
let openPort: number;
const openProcesses = new Processes();
/** Of each era, a host with a call that waits for a sign-in to which nobody comes, beside all other tests. */
const impatient = new Map<Era, { readonly desktop: Desktop; readonly failure: Promise<Failure> }>();
const figures: string[] = [];

beforeAll(async () => {
  [system, browser] = await Promise.all([System.start(), Browser.start()]);
  protectedServer = argumentsOf(entryOf(await system.register('Greeted', await freePort())));
  openPort = await startOpenServer();
  for (const era of eras) {
    const desktop = await Desktop.start({ keychain: false });
    const failure = waitInVain(desktop, era);
    // Whoever looks at it will see that it failed.
    failure.catch(() => undefined);
    impatient.set(era, { desktop, failure });
  }
});

afterAll(async () => {
  printFigures('What a host is answered while the server is not there', figures);
  for (const { desktop } of impatient.values()) await desktop.close();
  await browser.close();
  await openProcesses.close();
  await system.close();
});

function argumentsOf({ args }: HostConfiguration): readonly string[] {
  return args.slice(1);
}

async function startOpenServer(): Promise<number> {
  const port = await freePort();
  const env = { PATH: process.env['PATH'] ?? '', AUTH: 'off', PORT: String(port) };
  const server = openProcesses.startBin('mcp-keyhole-server', [], { env });
  await server.prints('stdout', /"msg":"listening"/u);
  return port;
}

async function waitInVain(desktop: Desktop, era: Era): Promise<Failure> {
  const entry = entryOf(await system.register(`Impatient and ${era}`, await freePort()));
  const host = hostOn(desktop, era, [...argumentsOf(entry), '--token-store', 'memory']);
  await host.greet();
  const url = await desktop.opened.next();
  const begin = performance.now();
  const answer = await host.request('tools/call', { name: 'get_name', arguments: {} }, 60_000);
  const waited = performance.now() - begin;
  await host.close();
  return { answer, waited, url };
}

function hostOn(desktop: Desktop, era: Era, args: readonly string[]): RawHost {
  return new RawHost(era, desktop.terminal(args, { keepInput: true }));
}

/** Notes for the table what a host was answered with. */
function note(situation: string, era: Era, { result, error, milliseconds }: Answer): void {
  const {
    instructions = '',
    serverInfo,
    _meta,
  } = (result ?? {}) as {
    readonly instructions?: string;
    readonly serverInfo?: { readonly name: string };
    readonly _meta?: Readonly<Record<string, { readonly name: string }>>;
  };
  const server = serverInfo ?? _meta?.['io.modelcontextprotocol/serverInfo'];
  const what =
    error === undefined ? `greeting of ${server?.name ?? 'nobody'}` : `error ${String(error.data?.['code'])}`;
  const place = instructions.includes('/oauth2/authorize?') ? ', with the address to sign in at' : '';
  figures.push(`${situation.padEnd(34)} ${era}  ${milliseconds.toFixed(0).padStart(6)} ms  ${what}${place}`);
}

async function toolNames(host: RawHost, timeout?: number): Promise<readonly string[]> {
  return (await host.tools(timeout)).map(({ name }) => name);
}

/** The address to sign in at, in words for a person. */
function urlIn(words: unknown): string {
  return /https?:\/\/\S+\/oauth2\/authorize\?\S+/u.exec(String(words))?.[0] ?? 'no address';
}

/** The files below the desktop's home in which the server's tool is named. */
function remembering(desktop: Desktop): readonly string[] {
  return readdirSync(desktop.home.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file, 'utf8').includes('get_name'));
}

describe.each(eras)('A %s host', (era) => {
  let desktop: Desktop;
  const start = (...flags: string[]): RawHost => hostOn(desktop, era, [...protectedServer, ...flags]);

  beforeAll(async () => {
    desktop = await Desktop.start({ keychain: false });
    desktop.env['MCP_KEYHOLE_PASSPHRASE'] = 'a passphrase';
  });

  afterAll(() => desktop.close());

  test('learns at once where to sign in, and gets the tools once somebody has', async () => {
    const host = start('--token-store', 'file');
    const greeting = await host.greet();
    note('signed out, the first time', era, greeting);
    const url = urlIn(greeting.result?.['instructions']);
    expect(await toolNames(host)).toEqual(['sign_in']);
    expect(urlIn(await host.call('sign_in'))).toBe(url);
    await desktop.signIn(browser);
    expect(desktop.opened.urls).toEqual([url]);
    await host.toolsChange();
    expect(await toolNames(host)).toEqual(tools);
    expect(await host.call('get_name')).toBe('Hello, Test User!');
    // A host may go by an old list for long.
    expect(await host.call('sign_in')).toContain(tools.join(', '));
    await host.close();
    expect(greeting.milliseconds).toBeLessThan(atOnce);
  });

  test('that is signed in gets the greeting of the server itself', async () => {
    const host = start('--token-store', 'file');
    const greeting = await host.greet();
    note('signed in', era, greeting);
    expect(await host.call('get_name')).toBe('Hello, Test User!');
    await host.close();
    expect(greeting.milliseconds).toBeLessThan(atOnce);
  });

  test('that is signed out gets the remembered tools at once, and its calls wait for the sign-in', async () => {
    const host = start('--token-store', 'memory');
    const greeting = await host.greet();
    note('signed out, remembered', era, greeting);
    expect(await toolNames(host)).toEqual(tools);
    const call = host.call('get_name');
    await desktop.signIn(browser);
    expect(await call).toBe('Hello, Test User!');
    await host.close();
    expect(greeting.milliseconds).toBeLessThan(atOnce);
  });

  test('finds what is remembered in files that are its own and hold no secret, and that go with the logout', async () => {
    const files = remembering(desktop);
    expect(files).not.toEqual([]);
    for (const file of files) expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    expect(desktop.findSecrets(system)).toEqual([]);
    const logout = desktop.terminal(['logout', ...protectedServer, '--token-store', 'file']);
    expect(await logout.ended).toBe(0);
    expect(remembering(desktop)).toEqual([]);
  });

  test('is not remembered anything with --no-remember', async () => {
    const first = start('--token-store', 'memory', '--no-remember');
    const greeting = await first.greet();
    note('signed out, --no-remember', era, greeting);
    expect(await toolNames(first)).toEqual(['sign_in']);
    await desktop.signIn(browser);
    await first.toolsChange();
    expect(await toolNames(first)).toEqual(tools);
    await first.close();
    expect(remembering(desktop)).toEqual([]);
    const second = start('--token-store', 'memory', '--no-remember');
    await second.greet();
    expect(await toolNames(second)).toEqual(['sign_in']);
    await desktop.opened.next();
    await second.close();
    expect(greeting.milliseconds).toBeLessThan(atOnce);
  });
});

// All at the same time: they do little but wait.
describe.concurrent.each(eras)('Under a %s host', (era) => {
  let desktop: Desktop;

  beforeAll(async () => (desktop = await Desktop.start({ keychain: false })));
  afterAll(() => desktop.close());

  const start = (gate: Gate): RawHost =>
    hostOn(desktop, era, [`${gate.origin}/mcp`, '--token-store', 'memory']);

  /** A gate to the open server, which this desktop has seen if it is to be remembered. */
  async function gateTo(remembered: boolean): Promise<Gate> {
    const gate = await Gate.start();
    gate.target = openPort;
    if (!remembered) return gate;
    const host = start(gate);
    await host.greet();
    expect(await toolNames(host)).toEqual(tools);
    await host.close();
    return gate;
  }

  test('a server that is down and remembered is greeted for at once', async () => {
    const gate = await gateTo(true);
    await gate.shut();
    const host = start(gate);
    const greeting = await host.greet();
    note('server down, remembered', era, greeting);
    expect(await toolNames(host)).toEqual(tools);
    await expect(host.call('get_name', 60_000)).rejects.toThrow(gate.origin);
    await host.close();
    expect(greeting.milliseconds).toBeLessThan(atOnce);
  });

  test('a server that is down and unknown is an error within ten seconds', async () => {
    const gate = await gateTo(false);
    await gate.shut();
    const host = start(gate);
    const greeting = await host.greet();
    note('server down, unknown', era, greeting);
    await host.close();
    expect(greeting.error?.message).toContain(gate.origin);
    expect(greeting.milliseconds).toBeLessThan(10_000 + atOnce);
  });

  test('a server that takes 20 s is greeted for after 5 s, one that is remembered after 1 s, and its tools come when it does', async () => {
    const slowly = async (remembered: boolean): Promise<Answer> => {
      const gate = await gateTo(remembered);
      gate.hold(slowness);
      const host = start(gate);
      const greeting = await host.greet();
      if (remembered) expect(await toolNames(host, 2_000)).toEqual(tools);
      // A host that asks again when it is told to has the tools in the end, whatever it was given first.
      if (!(await toolNames(host, 40_000)).includes('get_name')) await host.toolsChange();
      expect(await toolNames(host)).toEqual(tools);
      await host.close();
      await gate.shut();
      return greeting;
    };
    const [unknown, remembered] = await Promise.all([slowly(false), slowly(true)]);
    note('server takes 20 s, unknown', era, unknown);
    note('server takes 20 s, remembered', era, remembered);
    expect(unknown.milliseconds).toBeGreaterThan(4_900);
    expect(unknown.milliseconds).toBeLessThan(5_000 + atOnce);
    expect(remembered.milliseconds).toBeLessThan(1_000 + atOnce);
  });
});

test.each(eras)(
  'a %s host that waits in vain for the sign-in is told after 45 s where it would be',
  async (era) => {
    const waiting = impatient.get(era);
    if (waiting === undefined) throw new Error(`No ${era} host waits.`);
    const { answer, waited, url } = await waiting.failure;
    note('a call, and nobody signs in', era, answer);
    expect(urlIn(answer.error?.message)).toBe(url);
    expect(answer.error?.data).toMatchObject({ code: 'sign-in-needed', url });
    expect(waited).toBeGreaterThan(44_000);
    expect(waited).toBeLessThan(45_000 + atOnce);
  },
  70_000,
);
