// However the proxy is ended, and whatever it does at that moment: it ends at once, and leaves nothing behind.
import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CountingHost } from './support/counting-host.ts';
import { printFigures } from './support/crowd.ts';
import { Desktop, entryOf } from './support/desktop.ts';
import { FaultServer, type Fault } from './support/fault-server.ts';
import { freePort } from './support/free-port.ts';
import { PrivateHome, type Environment } from './support/private-home.ts';
import { System } from './support/system.ts';

const ways = ['end of stdin', 'SIGINT', 'SIGTERM', 'SIGHUP', 'vanished parent'] as const;
type Way = (typeof ways)[number];

/** How long the end may take, in milliseconds; a vanished parent is looked for every two seconds. */
const promptly = 2_000;
const lookedFor = 2_000;

const parent = fileURLToPath(new URL('./support/parent.mjs', import.meta.url));
const figures = new Map<string, string[]>();

const folder = mkdtempSync(join(tmpdir(), 'keyhole-orderly-'));
const hosts: CountingHost[] = [];

/** Starts a proxy; one whose parent will vanish has an input that stays open then. */
function start(way: Way, args: readonly string[], env: Environment): CountingHost {
  const fifo = join(folder, `stdin-${hosts.length}`);
  if (way === 'vanished parent') execFileSync('mkfifo', [fifo]);
  const options = way === 'vanished parent' ? { nodeFlags: [parent], fifo } : {};
  const host = new CountingHost('legacy', [...args, '--token-store', 'memory'], env, options);
  hosts.push(host);
  return host;
}

/** Ends the proxy and expects it to end as it should. Its pipes close only when it has gone itself. */
async function end(host: CountingHost, way: Way, phase: string): Promise<void> {
  const begin = performance.now();
  switch (way) {
    case 'end of stdin':
      host.endInput();
      break;
    case 'vanished parent':
      host.signal('SIGKILL');
      break;
    default:
      host.signal(way);
  }
  const code = await host.ended;
  const milliseconds = performance.now() - begin;
  figures.set(phase, [...(figures.get(phase) ?? []), `${way} ${milliseconds.toFixed(0)} ms`]);
  expect(code).toBe(way === 'vanished parent' ? 'SIGKILL' : 0);
  expect(host.stderr).not.toMatch(/unexpected|Warning/u);
  expect(milliseconds).toBeLessThan(promptly + (way === 'vanished parent' ? lookedFor : 0));
}

/** The proxy runs and reads: it answers a line that it cannot read. */
async function reads(host: CountingHost): Promise<void> {
  host.type('this is no JSON\n');
  await host.unreadable();
}

afterAll(() => {
  for (const host of hosts) host.endInput();
  rmSync(folder, { recursive: true });
  const lines = [...figures].map(([phase, times]) => `${phase.padEnd(32)} ${times.join(', ')}`);
  printFigures('From the end of the host to the end of the proxy', lines);
});

describe('The proxy ends in order', () => {
  /** Takes the request and never answers it. */
  const silent: Fault = { respond: () => undefined, interrupt: () => undefined };
  let home: PrivateHome;

  beforeAll(() => {
    home = new PrivateHome();
  });

  afterAll(() => {
    home.remove();
  });

  /** Plays a phase at a server, with each way to end it at the same time. */
  async function playAll(
    phase: string,
    play: (host: CountingHost, server: FaultServer) => Promise<void>,
    sessions: 0 | 1,
  ): Promise<void> {
    const playOne = async (way: Way): Promise<void> => {
      const server = await FaultServer.start('legacy');
      const host = start(way, [server.url], home.env);
      await play(host, server);
      expect(server.sessions.size, `${way}: sessions before`).toBe(sessions);
      await end(host, way, phase);
      expect({ left: server.sessions.size, ended: server.ended }, way).toEqual({ left: 0, ended: sessions });
      await server.close();
    };
    await Promise.all(ways.map(playOne));
  }

  test('before the host has said anything', () => playAll('no request yet', reads, 0));

  test('in a session, which it ends at the server', async () => {
    await playAll(
      'session, nothing under way',
      async (host) => expect((await host.greet()).result).toBeDefined(),
      1,
    );
  });

  test.each(['call', 'stream'] as const)('during a %s', async (kind) => {
    const play = async (host: CountingHost, server: FaultServer): Promise<void> => {
      await host.greet();
      server.plan(silent, 'tools/call');
      void host.request('tools/call', { name: 'note', arguments: { stream: kind === 'stream' } });
      await server.meets('tools/call');
    };
    await playAll(`${kind} under way`, play, 1);
  });

  test('while the server does not answer the greeting', async () => {
    const play = async (host: CountingHost, server: FaultServer): Promise<void> => {
      server.plan(silent, 'server/discover');
      void host.greet();
      await server.meets('server/discover');
    };
    await playAll('greeting not answered', play, 0);
  });

  test('while the server is down', async () => {
    const play = async (host: CountingHost, server: FaultServer): Promise<void> => {
      await server.vanish();
      void host.greet();
      await reads(host);
    };
    await playAll('server down', play, 0);
  });
});

describe('The proxy ends in order while it signs in', () => {
  let system: System;
  let desktop: Desktop;
  let port: number;
  let args: readonly string[];

  beforeAll(async () => {
    [system, desktop, port] = await Promise.all([
      System.start(),
      Desktop.start({ keychain: false }),
      freePort(),
    ]);
    args = entryOf(await system.register('Orderly', port)).args.slice(1);
  });

  afterAll(async () => {
    await desktop.close();
    await system.close();
  });

  /** Starts a sign-in that nobody completes, with its page open. */
  async function startSignIn(way: Way): Promise<CountingHost> {
    const host = start(way, args, desktop.env);
    void host.greet();
    await desktop.opened.next();
    return host;
  }

  /** Nobody listens on the callback port, and no lock is held. */
  async function expectNothingLeft(): Promise<void> {
    const server = createServer().listen(port, 'localhost');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    const files = readdirSync(desktop.home.folder, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => file.endsWith('.lock'))).toEqual([]);
  }

  test.each(ways)('and the user has yet to: %s', async (way) => {
    const host = await startSignIn(way);
    await end(host, way, 'sign-in page open');
    await expectNothingLeft();
  });

  test.each(ways)('and waits for another process that does: %s', async (way) => {
    const first = await startSignIn('end of stdin');
    const second = start(way, args, desktop.env);
    void second.greet();
    while (!second.stderr.includes('sign in to')) await second.heard();
    await end(second, way, 'another process signs in');
    await end(first, 'end of stdin', 'sign-in page open');
    await expectNothingLeft();
  });
});
