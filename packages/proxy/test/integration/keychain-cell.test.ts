import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';

const probe = path.join(import.meta.dirname, '..', 'support', 'keychain-probe.ts');

/** Opens the token store in a process with this environment and no other. */
async function openWith(choice: 'auto' | 'keychain', env: Record<string, string>) {
  const folder = await temporaryFolder();
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', probe, choice, folder],
    { env: { PATH: process.env['PATH'], HOME: folder, ...env } },
  );
  return { outcome: JSON.parse(stdout) as unknown, stderr };
}

// Only Linux has sessions without a keychain.
describe.skipIf(process.platform !== 'linux')(
  'a Linux session without a keychain (skipped elsewhere)',
  () => {
    it.each([
      ['no D-Bus session', { DBUS_SESSION_BUS_ADDRESS: '' }],
      ['a D-Bus session that has ended', { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus' }],
    ])('with %s says that the keychain is absent', async (_what, env) => {
      const { outcome } = await openWith('keychain', env);
      expect(outcome).toMatchObject({ code: 'keychain-absent' });
      expect(outcome).toMatchObject({ message: expect.stringContaining('D-Bus session') as string });
    });

    it('falls back to memory with auto, and one line names the choices', async () => {
      const { outcome, stderr } = await openWith('auto', {
        DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus',
      });
      expect(outcome).toEqual({ kind: 'memory', tokens: null });
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toContain('Tokens are kept in memory until this process ends.');
      expect(stderr).toContain('--token-store memory');
    });
  },
);
