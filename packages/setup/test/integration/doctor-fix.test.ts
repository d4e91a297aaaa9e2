// Every FusionAuth that is broken in one way: what a sign-in does there, what the doctor finds, and that `--fix` is followed by
// a clean run and a working sign-in; or, where the API cannot change it, that nothing is touched and the remedy is told.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { diagnosisInWords } from '../../src/doctor/report.ts';
import { greeting, type Broken } from '../support/broken-fusionauth/broken.ts';
import { byClient } from '../support/broken-fusionauth/by-client.ts';
import { byFaults } from '../support/broken-fusionauth/by-faults.ts';
import { bySwitches } from '../support/broken-fusionauth/by-switches.ts';
import { byTenant } from '../support/broken-fusionauth/by-tenant.ts';
import { doctorScene, type DoctorScene } from '../support/doctor-scene.ts';
import { wholeSignIn } from '../support/whole-sign-in.ts';

let shared: DoctorScene;
beforeAll(async () => {
  shared = await doctorScene();
});
afterAll(() => shared.close());

let own: DoctorScene | undefined;
afterEach(async () => {
  await own?.close();
  own = undefined;
});

/** The requests of the management API that change something, since the count. */
function changes({ emulator }: DoctorScene, since: number): string[] {
  return emulator.requests
    .slice(since)
    .filter(({ method, path }) => method !== 'GET' && path.startsWith('/api/'))
    .map(({ method, path }) => `${method} ${path}`);
}

async function examine(scene: DoctorScene, row: Broken): Promise<void> {
  const { title, leaves = [], finds } = row;
  const clientId = await (row.client?.(scene, title) ?? scene.registered(title));
  try {
    await row.breaks?.(scene, clientId);
    const before = await wholeSignIn(scene.endpoint, clientId);
    const found = await scene.visit('--client-id', clientId);
    const asked = scene.emulator.requests.length;
    const left = await scene.visit('--client-id', clientId, '--fix', '--yes');
    const changed = changes(scene, asked);
    const after = await wholeSignIn(scene.endpoint, clientId);

    expect({ before, finds: found.codes, leaves: left.codes, after }).toEqual({
      before: row.before.replace('{url}', scene.emulator.url),
      finds,
      leaves,
      after: leaves.length === 0 ? greeting : before,
    });
    expect(found.exitCode).toBe(finds.length === 0 ? 0 : 1);
    expect(left.exitCode).toBe(leaves.length === 0 ? 0 : 1);
    const words = diagnosisInWords(found, { publicUrl: scene.emulator.url, fix: false });
    for (const { remedy, change } of found.findings) {
      expect(words).toContain(
        change === undefined
          ? `  By hand: ${remedy}\n`
          : `  Change:  ${remedy}\n           --fix does this.\n`,
      );
    }
    const fixable = found.findings.filter(({ change }) => change !== undefined);
    if (fixable.length === 0) expect(changed).toEqual([]);
    else expect(changed).not.toEqual([]);
  } finally {
    await scene.admin('DELETE', '/emulator/faults');
    await row.mends?.(scene);
  }
}

describe('by switches:', () => {
  it.each(bySwitches)('$title', async (row) => {
    own = await doctorScene(row.switches);
    await examine(own, row);
  });
});

describe('by settings of the tenant:', () => {
  it.each(byTenant)('$title', (row) => examine(shared, row));
});

describe('by settings of the client:', () => {
  it.each(byClient)('$title', (row) => examine(shared, row));
});

describe('by faults:', () => {
  it.each(byFaults)('$title', (row) => examine(shared, row));
});
