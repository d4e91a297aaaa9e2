import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withCallbackServer } from '../../src/authorization/callback-port.ts';
import { errors } from '../../src/errors.ts';
import { StateFolder } from '../../src/state-folder.ts';
import { failureOf, refusalOf } from '../support/failure.ts';
import { freePort, isFree } from '../support/loopback-server.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { WatchedFolder } from '../support/watched-folder.ts';

const config = { host: 'localhost', callbackPath: '/oauth/callback' };

/** What the processes for several servers have, each its own; they share the folder. */
async function machine() {
  const place = await temporaryFolder();
  const port = await freePort();
  const process = (name: string, signal = new AbortController().signal) => {
    const recorded = recordedLog();
    const server = new URL(`https://${name}.example.com/mcp`);
    const folder = new WatchedFolder(place);
    const turn = { server, config, folder, log: recorded.log, signal };
    return {
      folder,
      recorded,
      /** Holds a callback port until it is told to let go; resolves when it is held. */
      hold: async (ports: readonly number[]) => {
        let letGo = (): void => undefined;
        const until = new Promise<void>((resolve) => (letGo = resolve));
        let held: Promise<void> | undefined;
        const redirectUri = await new Promise<URL>((resolve, reject) => {
          held = withCallbackServer(ports, turn, (callbackServer) => {
            resolve(callbackServer.redirectUri);
            return until;
          });
          held.catch(reject);
        });
        const release = async (): Promise<void> => {
          letGo();
          await held;
        };
        return { redirectUri, release };
      },
      take: (ports: readonly number[]) =>
        withCallbackServer(ports, turn, ({ redirectUri }) => Promise.resolve(redirectUri)),
    };
  };
  return { port, process };
}

async function squat(port: number): Promise<void> {
  const squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  onTestFinished(() => void squatter.close());
}

describe('a fixed callback port', () => {
  it('waits for its turn, and says so once', async () => {
    const { port, process } = await machine();
    const { release, redirectUri } = await process('first').hold([port]);
    expect(redirectUri.href).toBe(`http://localhost:${port}/oauth/callback`);
    const second = process('second');
    let done = false;
    const waiting = second.take([port]).finally(() => (done = true));
    const line = await second.recorded.when('comes next');
    expect(line).toContain(`port ${port}; the one for https://second.example.com/mcp`);
    await second.folder.waited(3);
    expect(done).toBe(false);
    await release();
    expect((await waiting).port).toBe(String(port));
    expect(second.recorded.lines).toHaveLength(1);
  });

  it('says nothing when nobody has it, and is free afterwards', async () => {
    const { port, process } = await machine();
    const alone = process('alone');
    await alone.take([port]);
    expect(alone.recorded.lines).toEqual([]);
    expect([await isFree(port, '127.0.0.1'), await isFree(port, '::1')]).toEqual([true, true]);
  });

  it('goes round five servers, one after another', async () => {
    const { port, process } = await machine();
    const names = ['a', 'b', 'c', 'd', 'e'];
    const turns = await Promise.all(names.map((name) => process(name).take([port])));
    expect(new Set(turns.map(({ href }) => href))).toEqual(
      new Set([`http://localhost:${port}/oauth/callback`]),
    );
  });

  it('is an error at once when another program has it, and its turn is over', async () => {
    const { port, process } = await machine();
    await squat(port);
    const first = process('first');
    expect((await refusalOf(() => first.take([port]))).code).toBe('callback-port-in-use');
    expect((await refusalOf(() => process('second').take([port]))).code).toBe('callback-port-in-use');
    expect(first.recorded.lines).toEqual([]);
  });

  it('ends its wait when the program ends', async () => {
    const { port, process } = await machine();
    const { release } = await process('first').hold([port]);
    const shutdown = new AbortController();
    const second = process('second', shutdown.signal);
    const waiting = refusalOf(() => second.take([port]));
    await second.recorded.when('comes next');
    shutdown.abort(errors.shuttingDown());
    expect((await waiting).code).toBe('shutting-down');
    await release();
  });

  it('is given back when the work fails', async () => {
    const { port, process } = await machine();
    const holding = await process('first').hold([port]);
    await holding.release();
    const folder = new StateFolder(await temporaryFolder());
    const { log } = recordedLog();
    const turn = { server: new URL('https://a'), config, folder, log, signal: new AbortController().signal };
    const boom = new Error('boom');
    expect(await failureOf(() => withCallbackServer([port], turn, () => Promise.reject(boom)))).toBe(boom);
    expect(await isFree(port, '127.0.0.1')).toBe(true);
  });
});

describe('a callback port that need not be this one', () => {
  it('is the one preferred when that is free', async () => {
    const { port, process } = await machine();
    expect((await process('first').take([port, 0])).port).toBe(String(port));
  });

  it('goes elsewhere at once when another sign-in has it, and says nothing', async () => {
    const { port, process } = await machine();
    const { release } = await process('first').hold([port]);
    const second = process('second');
    const { redirectUri, release: releaseSecond } = await second.hold([port, 0]);
    expect(redirectUri.port).not.toBe(String(port));
    expect(second.recorded.lines).toEqual([]);
    for (const address of ['127.0.0.1', '::1']) {
      expect(await isFree(Number(redirectUri.port), address)).toBe(false);
    }
    await releaseSecond();
    await release();
  });

  it('goes elsewhere when another program has it', async () => {
    const { port, process } = await machine();
    await squat(port);
    const { port: other } = await process('first').take([port, 0]);
    expect(Number(other)).toBeGreaterThan(1_023);
    expect(other).not.toBe(String(port));
  });

  it('leaves it to the one that can have no other', async () => {
    const { port, process } = await machine();
    const { release } = await process('dynamic').hold([port, 0]);
    const fixed = process('fixed');
    const waiting = fixed.take([port]);
    await fixed.recorded.when('comes next');
    await release();
    expect((await waiting).port).toBe(String(port));
  });

  it('passes on what the work throws, and does not do it again elsewhere', async () => {
    const { port, process } = await machine();
    expect((await process('first').take([port, 0])).port).toBe(String(port));
    const folder = new StateFolder(await temporaryFolder());
    const { log } = recordedLog();
    const turn = { server: new URL('https://a'), config, folder, log, signal: new AbortController().signal };
    let works = 0;
    const error = await refusalOf(() =>
      withCallbackServer([port, 0], turn, () => {
        works += 1;
        return Promise.reject(errors.signInTimeout(turn.server, 1));
      }),
    );
    expect([error.code, works]).toEqual(['sign-in-timeout', 1]);
  });
});

describe('the callback path', () => {
  it('is that of the redirect URI', async () => {
    const folder = new StateFolder(await temporaryFolder());
    const { log } = recordedLog();
    const signal = new AbortController().signal;
    const elsewhere = { host: '127.0.0.1', callbackPath: '/other/path' };
    const turn = { server: new URL('https://a'), config: elsewhere, folder, log, signal };
    await withCallbackServer([0], turn, async (callbackServer) => {
      const { redirectUri } = callbackServer;
      expect(redirectUri.href).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/other\/path$/u);
      const arrival = callbackServer.response('state-1', turn.server);
      const wrong = new URL('/oauth/callback?state=state-1', redirectUri);
      expect((await fetch(wrong)).status).toBe(400);
      const page = fetch(new URL('?state=state-1', redirectUri));
      await (await arrival).succeed();
      expect((await page).status).toBe(200);
    });
  });
});
