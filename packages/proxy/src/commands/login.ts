import { cleanLine, type Log } from '@mcp-keyhole/cli-kit';
import { whyNoBrowser } from '../authorization/browser.ts';
import { newestLegacyVersion } from '../bridge/era.ts';
import { Message, objectOf } from '../bridge/message.ts';
import type { ServerSide } from '../bridge/server-side.ts';
import type { ProxyConfig } from '../config.ts';
import { errors } from '../errors.ts';
import { openConnection } from '../proxy.ts';
import { passOnPastedAddress } from './pasted-address.ts';
import { describeSignIn } from './sign-in-words.ts';

/** Signs in from a terminal by doing what a host does first, `initialize`, and says what came of it. */
export async function login(
  config: ProxyConfig,
  server: URL,
  log: Log,
  signal: AbortSignal,
  print: (text: string) => void,
): Promise<number> {
  if (config.tokenStore === 'memory') throw errors.memoryStoreRefused();
  // Memory would lose the sign-in at once, so that here `auto` means the keychain.
  const tokenStore = config.tokenStore === 'auto' ? 'keychain' : config.tokenStore;
  const connection = openConnection({ ...config, tokenStore }, server, log, signal);
  const { key, bearerToken, openSide } = connection;
  const store = await connection.openStore();
  const before = await store.load(key);
  const isAlone = process.stdin.isTTY && whyNoBrowser(config.environment, !config.noBrowser) !== undefined;
  const paste = isAlone ? passOnPastedAddress(connection.pending, process.stdin, log) : undefined;
  const name = await greet(
    openSide(() => undefined),
    signal,
  ).finally(() => paste?.stop());
  const after = await store.load(key);
  const called = name === undefined ? server.href : `${server.href} (${cleanLine(name, 80)})`;
  if (after === undefined) {
    // Signed in, yet not stored: why has been said when it happened.
    if ((await bearerToken.token()) !== undefined) {
      throw errors.keychainFailed('keep the sign-in', 'it is not there afterwards');
    }
    print(`${called} answers without a sign-in.\n`);
    return 0;
  }
  const already = before?.accessToken === after.accessToken;
  print(
    `${already ? 'Already signed in' : 'Signed in'} to ${called}.\n${describeSignIn(after, store.place, Date.now())}`,
  );
  return 0;
}

/** Sends `initialize`, which makes the server ask for a token if it wants one. The server's name, if it says one. */
async function greet(side: ServerSide, signal: AbortSignal): Promise<string | undefined> {
  const clientInfo = { name: 'mcp-keyhole', version: process.env['KEYHOLE_VERSION'] ?? 'development' };
  const params = { protocolVersion: newestLegacyVersion, capabilities: {}, clientInfo };
  try {
    const greeting = Message.request(1, 'initialize', params);
    const { result } = await side.request(greeting, { signal, onMessage: () => undefined });
    const { name } = objectOf(result?.['serverInfo']);
    return typeof name === 'string' ? name : undefined;
  } finally {
    await side.close();
  }
}
