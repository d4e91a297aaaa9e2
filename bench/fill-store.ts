// Adds sign-ins at made-up servers to the user's keychain: `fill-store.ts FROM TO`. Prints what saving one takes, in
// milliseconds, the median of those that it saved. Runs in a session that has a keychain.
import { randomBytes } from 'node:crypto';
import { createLog, stateFolderOf } from '@mcp-keyhole/cli-kit';
import { StateFolder } from '../packages/proxy/src/state-folder.ts';
import { openTokenStore } from '../packages/proxy/src/token-store/open-token-store.ts';
import { spreadOf } from './statistics.ts';

const [from = 0, to = 0] = process.argv.slice(2).map(Number);
const folder = new StateFolder(stateFolderOf(process.env));
const log = createLog({ program: 'bench', level: 'info' });
const settings = { tokenStore: 'keychain', environment: process.env } as const;
const store = await openTokenStore(settings, folder, log, undefined);
const times: number[] = [];
for (let index = from; index < to; index += 1) {
  const begin = performance.now();
  await store.save(
    {
      server: `https://mcp-${index}.example.com/mcp`,
      clientId: randomBytes(16).toString('hex'),
      profile: 'default',
    },
    {
      // About as long as FusionAuth's.
      accessToken: randomBytes(750).toString('base64url'),
      refreshToken: randomBytes(40).toString('base64url'),
      expiresAt: Date.now() + 3_600_000,
      issuer: 'https://auth.example.com',
    },
  );
  times.push(performance.now() - begin);
}
process.stdout.write(`${spreadOf(times).median}\n`);
process.exit(0);
