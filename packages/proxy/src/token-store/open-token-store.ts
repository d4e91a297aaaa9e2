import type { Log } from '@mcp-keyhole/cli-kit';
import { ProxyError } from '../errors.ts';
import type { StateFolder } from '../state-folder.ts';
import { FileTokenStore } from './file.ts';
import { SignInIndex } from './index-file.ts';
import { openKeychain } from './keychain-cell.ts';
import { KeychainTokenStore } from './keychain.ts';
import { MemoryTokenStore } from './memory.ts';
import { accountOf, type SignInKey, type TokenStore } from './token-store.ts';

/** What decides which store there is. */
export interface StoreSettings {
  readonly tokenStore: 'auto' | 'keychain' | 'file' | 'memory';
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Opens the store that was asked for. `auto` is the keychain, and memory only where there is none: a keychain that is
 * locked or hangs is an error of its own, since memory would mean a needless sign-in.
 *
 * @param key the sign-in whose item is opened to see whether the keychain is there; undefined asks for an item that
 *   does not exist
 * @throws ProxyError `keychain-absent` (not for `auto`)
 */
export async function openTokenStore(
  { tokenStore, environment }: StoreSettings,
  folder: StateFolder,
  log: Log,
  key: SignInKey | undefined,
): Promise<TokenStore> {
  if (tokenStore === 'memory') return new MemoryTokenStore();
  const index = new SignInIndex(folder);
  if (tokenStore === 'file') return new FileTokenStore(folder, index, environment['MCP_KEYHOLE_PASSPHRASE']);
  try {
    const openCell = await openKeychain();
    openCell(key === undefined ? 'probe' : accountOf(key));
    return new KeychainTokenStore(openCell, index);
  } catch (error) {
    const absent = error instanceof ProxyError && error.code === 'keychain-absent';
    if (tokenStore === 'keychain' || !absent) throw error;
    log.warn(
      `${error.message} Tokens are kept in memory until this process ends. ` +
        'To keep them: start a Secret Service (gnome-keyring, KWallet), or choose --token-store file; to choose this silently: --token-store memory.',
    );
    return new MemoryTokenStore();
  }
}
