import { describe, expect, it } from 'vitest';
import { openConnection } from '../../src/proxy.ts';
import { SignInIndex } from '../../src/token-store/index-file.ts';
import { StateFolder } from '../../src/state-folder.ts';
import { AuthorizationServer, clientId } from '../support/authorization-server.ts';
import { noBrowser, visit } from '../support/browser.ts';
import { failureOf } from '../support/failure.ts';
import { freePort } from '../support/loopback-server.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { configOf } from '../support/sign-in-commands.ts';
import { signInScene } from '../support/sign-in-scene.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const signal = new AbortController().signal;

/** A server and what the command line makes of it, for several processes with one state folder. */
async function machine(...flags: string[]) {
  const provider = await AuthorizationServer.start({ rotates: true });
  const folder = await temporaryFolder();
  const { log, when } = recordedLog();
  const info = JSON.stringify({ client_id: clientId });
  const argv = [provider.resource.href, String(await freePort()), '--no-browser'];
  const config = configOf(folder, [...argv, '--static-oauth-client-info', info, ...flags]);
  const connect = () => openConnection(config, provider.resource, log, signal);
  const signIn = async (): Promise<string> => {
    const { bearerToken } = connect();
    const signedIn = bearerToken.onUnauthorized(undefined, {});
    await visit((await when(' here: ')).split(' here: ')[1]?.trim() ?? '');
    await signedIn;
    return (await bearerToken.token()) ?? '';
  };
  return { provider, folder: new StateFolder(folder), connect, signIn };
}

describe('the store of a connection', () => {
  it('is not opened for a server that wants no sign-in', async () => {
    // Opening this one fails: a keychain that is not there, or a folder that cannot be.
    let opened = 0;
    const { bearer } = await lazyScene(() => {
      opened += 1;
      return Promise.reject(new Error('the store was opened'));
    }, false);
    expect(await bearer.token()).toBeUndefined();
    expect(opened).toBe(0);
    // The twin: what may be signed in must be looked up, and a 401 too.
    expect((await failureOf(() => bearer.onUnauthorized(undefined, {}))).message).toContain('was opened');
    const { bearer: known } = await lazyScene(() => Promise.reject(new Error('the store was opened')), true);
    expect((await failureOf(() => known.token())).message).toContain('was opened');
  });

  it('is opened once, however many requests need it', async () => {
    const { connect, signIn } = await machine();
    await signIn();
    const { openStore } = connect();
    const [one, other] = await Promise.all([openStore(), openStore()]);
    expect(one).toBe(other);
  });

  it('has the sign-in for the next process, which the index tells', async () => {
    const { connect, signIn, provider, folder } = await machine();
    const token = await signIn();
    const before = provider.requests.length;
    expect(await connect().bearerToken.token()).toBe(token);
    expect(provider.requests).toHaveLength(before);
    expect(await new SignInIndex(folder).list()).toMatchObject([{ clientId, store: 'file' }]);
  });

  it('is asked after a 401 when the index was lost: that loses no sign-in', async () => {
    const { connect, signIn, provider, folder } = await machine();
    const token = await signIn();
    await folder.remove('sign-ins.json');
    const { bearerToken } = connect();
    expect(await bearerToken.token()).toBeUndefined();
    await bearerToken.onUnauthorized(undefined, {});
    expect(await bearerToken.token()).toBe(token);
    expect(provider.tokenRequests()).toHaveLength(1);
  });

  it('writes the index anew with the next tokens', async () => {
    const { connect, signIn, folder } = await machine();
    const token = await signIn();
    await folder.remove('sign-ins.json');
    await connect().bearerToken.onUnauthorized(token, {});
    expect(await new SignInIndex(folder).list()).toHaveLength(1);
  });

  it('keeps profiles apart', async () => {
    const { connect, signIn, folder } = await machine();
    await signIn();
    const info = JSON.stringify({ client_id: clientId });
    const { key, openStore } = connect();
    const work = configOf(folder.path, [key.server, '--static-oauth-client-info', info, '--profile', 'work']);
    const other = openConnection(work, new URL(key.server), recordedLog().log, signal);
    expect(await other.bearerToken.token()).toBeUndefined();
    expect(await (await other.openStore()).load(other.key)).toBeUndefined();
    expect(await (await openStore()).load(key)).toBeDefined();
  });
});

/** A bearer token with a store of its own. */
async function lazyScene(openStore: () => Promise<never>, mayBeSignedIn: boolean) {
  const scene = await signInScene();
  const bearer = scene.process(noBrowser(), {
    openStore,
    mayBeSignedIn: () => Promise.resolve(mayBeSignedIn),
  });
  return { ...scene, bearer };
}
