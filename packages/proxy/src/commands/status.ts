import type { Log } from '@mcp-keyhole/cli-kit';
import type { ProxyConfig } from '../config.ts';
import { ProxyError } from '../errors.ts';
import { listSignIns, openStoreOf } from '../proxy.ts';
import type { SignInEntry, TokenSet } from '../token-store/token-store.ts';
import { describeSignIn } from './sign-in-words.ts';

/** What is known of one sign-in: its tokens, or why they cannot be read. */
interface Known {
  readonly entry: SignInEntry;
  readonly place: string;
  readonly tokens?: TokenSet;
  readonly error?: ProxyError;
}

/** Shows the sign-ins, all or those at one server. Exit code 1 when there is none. */
export async function status(config: ProxyConfig, log: Log, print: (text: string) => void): Promise<number> {
  const entries = (await listSignIns(config)).filter(
    ({ server }) => config.server === undefined || server === config.server.href,
  );
  const known: Known[] = [];
  for (const entry of entries) {
    const facts = await look(entry, config, log);
    if (facts !== undefined) known.push(facts);
  }
  if (config.json) {
    print(`${JSON.stringify(known.map(toJson), undefined, 2)}\n`);
  } else {
    for (const facts of known) print(describe(facts));
    const where = config.server === undefined ? 'anywhere' : `to ${config.server.href}`;
    if (known.length === 0) print(`Not signed in ${where}.\n`);
  }
  return known.length === 0 ? 1 : 0;
}

/** One damaged sign-in, or one locked store, must not hide the others. */
async function look(entry: SignInEntry, config: ProxyConfig, log: Log): Promise<Known | undefined> {
  try {
    const store = await openStoreOf({ ...config, tokenStore: entry.store }, log);
    const tokens = await store.load(entry);
    return tokens === undefined ? undefined : { entry, place: store.place, tokens };
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    return { entry, place: entry.store, error };
  }
}

function describe({ entry, place, tokens, error }: Known): string {
  const client = entry.clientId === '' ? 'registered by itself' : entry.clientId;
  const profile = entry.profile === 'default' ? '' : `  profile   ${entry.profile}\n`;
  const facts = tokens === undefined ? '' : describeSignIn(tokens, place, Date.now());
  const failure = error === undefined ? '' : `  ${error.message}\n  ${error.remedy}\n`;
  return `${entry.server}\n${profile}  client    ${client}\n${facts}${failure}`;
}

/** Without anything secret: times are ISO 8601. */
function toJson({ entry, place, tokens, error }: Known): object {
  return {
    ...entry,
    place,
    scopes: tokens?.scope?.split(' '),
    expiresAt: tokens?.expiresAt === undefined ? undefined : new Date(tokens.expiresAt).toISOString(),
    binding: tokens?.tokenType,
    refreshes: tokens === undefined ? undefined : tokens.refreshToken !== undefined,
    error: error === undefined ? undefined : { code: error.code, message: error.message },
  };
}
