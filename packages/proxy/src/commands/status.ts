import type { Log } from '@mcp-keyhole/cli-kit';
import type { ProxyConfig } from '../config.ts';
import { ProxyError } from '../errors.ts';
import { openStore } from '../proxy.ts';
import type { SignInKey, TokenStore } from '../token-store/token-store.ts';
import { describeSignIn } from './sign-in-words.ts';

/** Shows the sign-ins, all or those at one server. Exit code 1 when there is none. */
export async function status(config: ProxyConfig, log: Log, print: (text: string) => void): Promise<number> {
  const store = await openStore({ ...config, tokenStore: 'keychain' }, log);
  const entries = (await store.list()).filter(
    ({ server }) => config.server === undefined || server === config.server.href,
  );
  let shown = 0;
  for (const entry of entries) {
    const facts = await describe(entry, store);
    if (facts === undefined) continue;
    shown += 1;
    print(`${entry.server}\n  client    ${entry.clientId}\n${facts}`);
  }
  if (shown === 0)
    print(`Not signed in${config.server === undefined ? ' anywhere' : ` to ${config.server.href}`}.\n`);
  return shown === 0 ? 1 : 0;
}

/** One damaged sign-in must not hide the others. */
async function describe(key: SignInKey, store: TokenStore): Promise<string | undefined> {
  try {
    const tokens = await store.load(key);
    return tokens === undefined ? undefined : describeSignIn(tokens, store.place, Date.now());
  } catch (error) {
    if (!(error instanceof ProxyError) || error.code !== 'sign-in-unreadable') throw error;
    return `  ${error.message}\n  ${error.remedy}\n`;
  }
}
