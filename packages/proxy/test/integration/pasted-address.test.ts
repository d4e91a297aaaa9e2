import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { passOnPastedAddress } from '../../src/commands/pasted-address.ts';
import { noBrowser } from '../support/browser.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { signInScene } from '../support/sign-in-scene.ts';

/** A terminal at which a sign-in waits, its browser on another machine. */
async function terminal(behaviour: Parameters<typeof signInScene>[0] = {}) {
  const scene = await signInScene(behaviour);
  const input = new PassThrough();
  const said = recordedLog();
  const paste = passOnPastedAddress(scene.pending(), input, said.log);
  onTestFinished(() => {
    paste.stop();
  });
  const bearer = scene.process(() => Promise.resolve());
  const finished = bearer.onUnauthorized(undefined, {});
  const line = await scene.log.when(' here: ');
  const signInPage = new URL(line.split(' here: ')[1]?.trim() ?? '');
  return {
    ...scene,
    said,
    bearer,
    finished,
    stop: () => {
      paste.stop();
    },
    enter: (text: string) => void input.write(`${text}\n`),
    /** Where the browser on the other machine ends: a page that does not load there. */
    addressAfterSignIn: async () => {
      const response = await fetch(signInPage, { redirect: 'manual' });
      return new URL(response.headers.get('location') ?? '');
    },
  };
}

describe('an address that is pasted', () => {
  it('completes the sign-in that waits', async () => {
    const { enter, addressAfterSignIn, finished, bearer, said } = await terminal();
    enter(`  ${(await addressAfterSignIn()).href}  `);
    await finished;
    expect(await bearer.token()).toMatch(/^access-/u);
    expect(said.lines).toHaveLength(1);
    expect(said.lines[0]).toContain('paste its address here');
  });

  it('may be that of a host which leads here under another name: only its parameters count', async () => {
    const { enter, addressAfterSignIn, finished, bearer } = await terminal();
    const address = await addressAfterSignIn();
    address.host = 'other.example.com:1';
    enter(address.href);
    await finished;
    expect(await bearer.token()).toMatch(/^access-/u);
  });

  it('may be that of a denial, which then is the outcome', async () => {
    const { enter, addressAfterSignIn, finished } = await terminal({ denies: true });
    enter((await addressAfterSignIn()).href);
    await expect(finished).rejects.toMatchObject({ code: 'sign-in-refused' });
  });

  it.each<[string, (address: URL) => string, string]>([
    ['a foreign page', () => 'https://evil.example.com/', 'it does not begin with'],
    ['no address', () => 'yes', 'it does not begin with'],
    ['another path', (address) => `${address.origin}/other${address.search}`, 'it does not begin with'],
    [
      'one without state',
      (address) => `${address.origin}${address.pathname}?code=1`,
      'it does not begin with',
    ],
    [
      'another state',
      (address) => `${address.origin}${address.pathname}?code=1&state=other`,
      'it does not belong to the sign-in that is waiting',
    ],
  ])('that is %s is refused, and the sign-in goes on waiting', async (_what, bend, why) => {
    const { enter, addressAfterSignIn, finished, bearer, said, provider } = await terminal();
    const address = await addressAfterSignIn();
    enter(bend(address));
    const warning = await said.when('That address cannot be used');
    expect(warning).toContain(why);
    expect(provider.tokenRequests()).toEqual([]);
    enter(address.href);
    await finished;
    expect(await bearer.token()).toMatch(/^access-/u);
  });

  it('is not needed when the line is empty', async () => {
    const { enter, addressAfterSignIn, finished, said } = await terminal();
    enter('');
    enter((await addressAfterSignIn()).href);
    await finished;
    expect(said.lines).toHaveLength(1);
  });

  it('belongs to no sign-in when none waits', async () => {
    const { pending } = await signInScene();
    const input = new PassThrough();
    const said = recordedLog();
    const paste = passOnPastedAddress(pending(), input, said.log);
    input.write('http://localhost:3334/oauth/callback?state=1\n');
    expect(await said.when('cannot be used')).toContain('no sign-in is waiting');
    paste.stop();
  });

  it('is never shown: it has a code in it', async () => {
    const { enter, addressAfterSignIn, finished, said } = await terminal();
    const address = await addressAfterSignIn();
    enter(`${address.origin}/other${address.search}`);
    await said.when('cannot be used');
    expect(said.text()).not.toContain(address.searchParams.get('code'));
    enter(address.href);
    await finished;
  });
});

describe('a sign-in in a terminal', () => {
  it('is picked up by a proxy that waits', async () => {
    const { enter, addressAfterSignIn, finished, process, bearer } = await terminal();
    const proxy = process(noBrowser());
    const waiting = proxy.onUnauthorized(undefined, {});
    enter((await addressAfterSignIn()).href);
    await Promise.all([finished, waiting]);
    expect(await proxy.token()).toBe(await bearer.token());
  });
});
