import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { spawn, type ChildProcess } from 'node:child_process';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { createLog, loadConfig, startServer } from '@mcp-keyhole/server';
import { registerClient, signIn } from '../../../packages/server/test/support/sign-in.ts';
import { binFile } from '../../support/programs.ts';
import { forwardWithToken, type BearerForwarder } from './bearer-forwarder.ts';
import { fixtureServer } from './fixture-server.ts';

/** The servers that the suite's server scenarios are played against, each protected by the same emulator. */
export interface ProtectedServers {
  /** Our server with what the scenarios look for (`createMcpServer`), behind the forwarder that adds a token. */
  readonly fixtures: string;
  /** The server that is shipped, as its own process, behind such a forwarder. */
  readonly shipped: string;
  /** The shipped server itself: the suite, which has no token, is refused. */
  readonly bare: string;
  close(): Promise<void>;
}

/** A server that listens on loopback. */
interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

export async function startProtectedServers(): Promise<ProtectedServers> {
  const emulator = await startEmulator({ port: 0 });
  const open: { close(): Promise<void> }[] = [emulator];
  const close = async (): Promise<void> => {
    for (const each of [...open].reverse()) await each.close();
  };
  try {
    const [fixtures, shipped] = await Promise.all([startFixtures(emulator), startShipped(emulator)]);
    open.push(fixtures, shipped);
    const forwarders: BearerForwarder[] = [];
    for (const { port } of [fixtures, shipped]) {
      const forwarder = await forwardWithToken(port, await tokenFor(emulator, port));
      open.push(forwarder);
      forwarders.push(forwarder);
    }
    const [toFixtures = '', toShipped = ''] = forwarders.map(({ origin }) => `${origin}/mcp`);
    return { fixtures: toFixtures, shipped: toShipped, bare: `http://127.0.0.1:${shipped.port}/mcp`, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startFixtures({ url }: Emulator): Promise<Listening> {
  const config = loadConfig(['--port', '0'], { FUSIONAUTH_URL: url });
  const log = createLog({ destination: { write: () => undefined } });
  return startServer(config, { log, ...fixtureServer() });
}

/** As a user starts it: the program, with nothing said but where FusionAuth is. */
async function startShipped({ url }: Emulator): Promise<Listening> {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [binFile('mcp-keyhole-server')], {
    env: { PATH, FUSIONAUTH_URL: url, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { port: await portOf(child), close: async () => end(child) };
}

/** The port in its log, which is read on to its end, lest the pipe be full. */
async function portOf({ stdout }: ChildProcess): Promise<number> {
  if (stdout === null) throw new Error('The server has no stdout.');
  const lines = createInterface(stdout);
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const { msg, port } = JSON.parse(line) as { msg: string; port: number };
      if (msg === 'listening') resolve(port);
    });
    lines.once('close', () => reject(new Error('The server ended before it listened.')));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/** An access token for the server at this port, of a user who has signed in. */
async function tokenFor({ url, apiKey = '' }: Emulator, port: number): Promise<string> {
  const server = { url, apiKey };
  const resource = `http://localhost:${port}/mcp`;
  return signIn(server, await registerClient(server, resource), resource);
}
