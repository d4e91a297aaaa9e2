import type { Log } from '@mcp-keyhole/cli-kit';
import type { ProxyConfig } from '../config.ts';
import { ProxyError } from '../errors.ts';
import { listSignIns, openConnection } from '../proxy.ts';
import {
  accountOf,
  type SignInEntry,
  type SignInKey,
  type TokenSet,
  type TokenStore,
} from '../token-store/token-store.ts';

/**
 * Ends the sign-ins at a server, of one client when one is named: at the authorization server as far as it can, and
 * here always. Says which of these worked.
 */
export async function logout(
  config: ProxyConfig,
  server: URL,
  log: Log,
  signal: AbortSignal,
  print: (text: string) => void,
): Promise<number> {
  let removed = 0;
  for (const entry of await entriesOf(config, server)) {
    const entryConfig = { ...config, tokenStore: entry.store, client: config.client ?? clientOf(entry) };
    const { openStore, end, forget } = openConnection(entryConfig, server, log, signal);
    await forget();
    const store = await openStore();
    const tokens = await readable(store, entry);
    const outcomes = tokens === undefined ? [] : await end(tokens);
    for (const outcome of outcomes)
      print(outcome.done ? `${sentence(outcome.how)}.\n` : `Not revoked: ${outcome.why}.\n`);
    if (!(await store.delete(entry))) continue;
    removed += 1;
    print(`Removed the sign-in for ${accountOf(entry)} from ${store.place}.\n`);
  }
  await openConnection(config, server, log, signal).forget();
  if (removed === 0) print(`There was no sign-in for ${server.href}.\n`);
  return 0;
}

async function entriesOf(config: ProxyConfig, server: URL): Promise<readonly SignInEntry[]> {
  const clientId = config.client?.clientId;
  const listed = (await listSignIns(config)).filter(
    (entry) =>
      entry.server === server.href &&
      entry.profile === config.profile &&
      (clientId === undefined || entry.clientId === clientId),
  );
  if (listed.length > 0) return listed;
  // The index may have been lost; an item whose key is known is found without it.
  const store = config.tokenStore === 'file' ? 'file' : 'keychain';
  return [{ server: server.href, clientId: clientId ?? '', profile: config.profile, issuer: '', store }];
}

function clientOf({ clientId }: SignInKey): { clientId: string } | undefined {
  return clientId === '' ? undefined : { clientId };
}

/** A sign-in that cannot be read cannot be revoked, but can be removed. */
async function readable(store: TokenStore, key: SignInKey): Promise<TokenSet | undefined> {
  try {
    return await store.load(key);
  } catch (error) {
    if (
      error instanceof ProxyError &&
      ['sign-in-unreadable', 'passphrase-missing', 'passphrase-wrong'].includes(error.code)
    ) {
      return undefined;
    }
    throw error;
  }
}

function sentence(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}
