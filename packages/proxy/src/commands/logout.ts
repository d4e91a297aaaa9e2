import type { Log } from '@mcp-keyhole/cli-kit';
import type { ProxyConfig } from '../config.ts';
import { openStore } from '../proxy.ts';
import { accountOf, type SignInKey } from '../token-store/token-store.ts';

/** Removes the sign-ins at a server (of one client, when one is named) from the keychain. */
export async function logout(
  config: ProxyConfig,
  server: URL,
  log: Log,
  print: (text: string) => void,
): Promise<number> {
  const store = await openStore({ ...config, tokenStore: 'keychain' }, log);
  const clientId = config.client?.clientId;
  const listed: SignInKey[] = (await store.list()).filter(
    (entry) => entry.server === server.href && (clientId === undefined || entry.clientId === clientId),
  );
  // The index may have been lost; an item whose key is known is found without it.
  if (clientId !== undefined && listed.length === 0)
    listed.push({ server: server.href, clientId, profile: 'default' });
  let removed = 0;
  for (const key of listed) {
    if (!(await store.delete(key))) continue;
    removed += 1;
    print(`Removed the sign-in for ${accountOf(key)} from ${store.place}.\n`);
  }
  print(
    removed === 0
      ? `There was no sign-in for ${server.href}.\n`
      : 'At the authorization server the tokens stay valid until they expire or are revoked there.\n',
  );
  return 0;
}
