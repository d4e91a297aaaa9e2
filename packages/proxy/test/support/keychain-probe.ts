// Opens the real keychain in a process of its own, whose environment the keychain's library sees from the start.
import { createLog } from '@mcp-keyhole/cli-kit';
import { ProxyError } from '../../src/errors.ts';
import { StateFolder } from '../../src/state-folder.ts';
import { openTokenStore } from '../../src/token-store/open-token-store.ts';
import { key } from './token-sets.ts';

const [choice, folder] = process.argv.slice(2) as ['auto' | 'keychain', string];
const log = createLog({ program: 'probe', level: 'info' });
const outcome = await openTokenStore(
  { tokenStore: choice, environment: process.env },
  new StateFolder(folder),
  log,
  key,
)
  .then(async (store) => ({ kind: store.kind, tokens: (await store.load(key)) ?? null }))
  .catch((error: unknown) => {
    if (error instanceof ProxyError) return { code: error.code, message: error.message };
    throw error;
  });
process.stdout.write(JSON.stringify(outcome), () => process.exit(0));
