// Saves or loads one sign-in in the real keychain, in a process of its own: `save <file>` keeps the token set that the JSON
// file holds, `load` prints the one that is kept, or its error's code. `load-again` loads, waits for a line on stdin, and loads
// once more, with the connection it already has.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createLog } from '@mcp-keyhole/cli-kit';
import { ProxyError } from '../../packages/proxy/src/errors.ts';
import { StateFolder } from '../../packages/proxy/src/state-folder.ts';
import { openTokenStore } from '../../packages/proxy/src/token-store/open-token-store.ts';
import type { TokenSet } from '../../packages/proxy/src/token-store/token-store.ts';

const [action, stateFolder = '', file = ''] = process.argv.slice(2);
const key = { server: 'https://mcp.example.com/mcp', clientId: 'client-1', profile: 'default' };
const log = createLog({ program: 'probe', level: 'info' });
const store = await openTokenStore(
  { tokenStore: 'keychain', environment: process.env },
  new StateFolder(stateFolder),
  log,
  key,
);

const load = (): Promise<string> =>
  store.load(key).then(
    (tokens) => JSON.stringify(tokens ?? null),
    (error: unknown) => {
      if (error instanceof ProxyError) return JSON.stringify({ code: error.code });
      throw error;
    },
  );

if (action === 'save') await store.save(key, JSON.parse(readFileSync(file, 'utf8')) as TokenSet);
else process.stdout.write(`${await load()}\n`);
if (action === 'load-again') {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'again') process.stdout.write(`${await load()}\n`);
    break;
  }
}
process.exit(0);
