import type { Log } from '@mcp-keyhole/cli-kit';
import { ProxyError } from '../errors.ts';
import type { StateFolder } from '../state-folder.ts';
import { SignInIndex } from './index-file.ts';
import { openKeychain } from './keychain-cell.ts';
import { KeychainTokenStore } from './keychain.ts';
import { MemoryTokenStore } from './memory.ts';
import { accountOf, type SignInKey, type TokenStore } from './token-store.ts';

/**
 * Opens the store that was asked for. `auto` is the keychain, and memory only where there is none: a keychain that is
 * locked or hangs is an error of its own, since memory would mean a needless sign-in.
 *
 * @param key the sign-in whose item is opened to see whether the keychain is there; undefined asks for an item that
 *   does not exist
 * @throws ProxyError `keychain-absent` (not for `auto`)
 */
export async function openTokenStore(
  choice: 'auto' | 'keychain' | 'memory',
  folder: StateFolder,
  log: Log,
  key: SignInKey | undefined,
): Promise<TokenStore> {
  if (choice === 'memory') return new MemoryTokenStore();
  try {
    const openCell = await openKeychain();
    openCell(key === undefined ? 'probe' : accountOf(key));
    return new KeychainTokenStore(openCell, new SignInIndex(folder));
  } catch (error) {
    const absent = error instanceof ProxyError && error.code === 'keychain-absent';
    if (choice === 'keychain' || !absent) throw error;
    log.warn(
      `${error.message} Tokens are kept in memory until this process ends. ` +
        'To keep them: start a Secret Service (gnome-keyring, KWallet); to choose this silently: --token-store memory.',
    );
    return new MemoryTokenStore();
  }
}
