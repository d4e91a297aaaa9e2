import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PendingSignIn } from '../../src/authorization/pending-sign-in.ts';
import { errors } from '../../src/errors.ts';
import { StateFolder } from '../../src/state-folder.ts';
import { noBrowser, visit } from '../support/browser.ts';
import { failureOf, refusalOf } from '../support/failure.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { signInScene } from '../support/sign-in-scene.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { WatchedFolder } from '../support/watched-folder.ts';

const server = new URL('https://mcp.example.com/mcp');
const url = new URL('https://login.example.com/authorize?state=1');

/** Two processes that share a folder. */
async function two(account = server.href) {
  const place = await temporaryFolder();
  const open = (name = account): PendingSignIn => new PendingSignIn(new StateFolder(place), name);
  return { place, one: open(), other: open(), open };
}

describe('a pending sign-in', () => {
  it('is known to other processes by where it waits, until it is over', async () => {
    const { one, other, place } = await two();
    expect(await other.url()).toBeUndefined();
    await one.begin(url);
    expect((await other.url())?.href).toBe(url.href);
    expect(one.lock).toBe(other.lock);
    await one.clear();
    expect(await other.url()).toBeUndefined();
    expect(await readdir(place)).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')('is for its user’s eyes only (Windows has no modes)', async () => {
    const { one, place } = await two();
    await one.begin(url);
    const [file = ''] = await readdir(place);
    expect((await stat(path.join(place, file))).mode & 0o777).toBe(0o600);
  });

  it('of another client or profile is another one', async () => {
    const { one, open } = await two();
    await one.begin(url);
    for (const account of [`${server.href} client a`, `${server.href} profile work`]) {
      expect(await open(account).url()).toBeUndefined();
      expect(open(account).lock).not.toBe(one.lock);
    }
  });

  it('that failed is told to those who had come before that, and to nobody who comes later', async () => {
    const { one, other } = await two();
    const before = Date.now();
    const refused = errors.signInRefused(server, { error: 'access_denied' });
    await one.begin(url);
    await one.fail(refused);
    expect(await other.url()).toBeUndefined();
    const told = await other.failureSince(before);
    expect(told).toMatchObject({ code: refused.code, message: refused.message, remedy: refused.remedy });
    expect(await other.failureSince(Date.now() + 1)).toBeUndefined();
  });

  it('that ended with its process, or by a fault of ours, has not failed for others', async () => {
    const { one, other } = await two();
    for (const error of [errors.shuttingDown(), new TypeError('a fault')]) {
      await one.begin(url);
      await one.fail(error);
      expect(await other.failureSince(0)).toBeUndefined();
      expect(await other.url()).toBeUndefined();
    }
  });

  it.each([
    ['is no JSON', '{"state":"pend'],
    ['is null', 'null'],
    ['has no URL', '{"state":"pending","url":"javascript"}'],
    ['is something else', '{"state":"done"}'],
  ])('whose file %s says nothing', async (_what, text) => {
    const { place, one } = await two();
    await new StateFolder(place).write(`${one.lock}.json`, text);
    expect(await one.url()).toBeUndefined();
    expect(await one.failureSince(0)).toBeUndefined();
  });
});

describe('a second process, while a sign-in waits for its user', () => {
  /** A process with a log of its own. */
  async function waiterScene(...given: Parameters<typeof signInScene>) {
    const scene = await signInScene(...given);
    const seen = recordedLog();
    const told = `sign in to ${scene.provider.resource.href} here: `;
    const watched = new WatchedFolder(scene.folder);
    const own = { log: seen.log, folder: watched };
    const waiter = (openBrowser = noBrowser()) => scene.process(openBrowser, own);
    return { ...scene, seen, told, watched, waiter };
  }

  it('shows the same address, once, opens no tab, and is signed in with the first', async () => {
    const { provider, process, browser, seen, told, watched, ...scene } = await waiterScene();
    let second: Promise<void> | undefined;
    const waiter = scene.waiter();
    await process(async (address) => {
      second = waiter.onUnauthorized(undefined, {});
      expect(await seen.when(told)).toBe(`mcp-keyhole: ${told}${address.href}\n`);
      await watched.waited(4);
      await browser.open(address);
    }).onUnauthorized(undefined, {});
    await second;
    expect(await waiter.token()).toMatch(/^access-/u);
    expect(seen.lines.filter((line) => line.includes(told))).toHaveLength(1);
    expect(provider.tokenRequests()).toHaveLength(1);
  });

  it('can complete it from anywhere: the address does', async () => {
    const { process, seen, told, ...scene } = await waiterScene();
    const waiter = scene.waiter();
    let second: Promise<void> | undefined;
    const first = process(async () => {
      second = waiter.onUnauthorized(undefined, {});
      // The user follows the address that the second process shows; no browser has opened.
      void visit((await seen.when(told)).split(' here: ')[1]?.trim() ?? '');
    });
    await first.onUnauthorized(undefined, {});
    await second;
    expect(await waiter.token()).toBe(await first.token());
  });

  it('gets the same refusal as the first, and no tab; one that comes later gets its own sign-in', async () => {
    const { provider, process, browser, seen, told, ...scene } = await waiterScene({ denies: true });
    let second: Promise<Error> | undefined;
    const waiter = scene.waiter();
    const first = await refusalOf(() =>
      process(async (address) => {
        second = failureOf(() => waiter.onUnauthorized(undefined, {}));
        await seen.when(told);
        await browser.open(address);
      }).onUnauthorized(undefined, {}),
    );
    expect(first.code).toBe('sign-in-refused');
    expect(await second).toMatchObject({ code: first.code, message: first.message, remedy: first.remedy });
    provider.behaviour = {};
    const later = process();
    await later.onUnauthorized(undefined, {});
    expect(await later.token()).toMatch(/^access-/u);
  });

  it('signs in itself when the first ends before the user has', async () => {
    const { process, browser, seen, told, ...scene } = await waiterScene();
    const shutdown = new AbortController();
    const waiter = scene.waiter(browser.open);
    let second: Promise<void> | undefined;
    const ending = process(
      async () => {
        second = waiter.onUnauthorized(undefined, {});
        await seen.when(told);
        shutdown.abort(errors.shuttingDown());
      },
      { signal: shutdown.signal },
    );
    expect((await refusalOf(() => ending.onUnauthorized(undefined, {}))).code).toBe('shutting-down');
    await second;
    expect(await waiter.token()).toMatch(/^access-/u);
    expect(browser.opened).toHaveLength(1);
  });

  it('is told nothing while the other one only refreshes', async () => {
    const { process, signIn, clock, log, provider } = await signInScene({ rotates: true });
    await signIn();
    clock.now += 3_600_000;
    const both = [process(noBrowser()), process(noBrowser())];
    const [one, other] = await Promise.all(both.map((bearer) => bearer.token()));
    expect(one).toMatch(/^access-/u);
    expect(other).toBe(one);
    expect(log.text().match(/ here: /gu)).toHaveLength(1);
    expect(provider.tokenRequests('refresh_token')).toHaveLength(1);
  });

  it('gives up in the end, with an error that says why', async () => {
    // Its patience is the time that a sign-in may take and a minute more: here 100 ms.
    const { folder, pending, process } = await signInScene({}, { signInTimeout: 100 - 60_000 });
    const lock = pending().lock;
    const outcome = await new StateFolder(folder).locked(lock, () =>
      refusalOf(() => process(noBrowser()).onUnauthorized(undefined, {})),
    );
    expect(outcome.code).toBe('sign-in-busy');
    expect(outcome.remedy).toContain('browser tab');
  });
});
