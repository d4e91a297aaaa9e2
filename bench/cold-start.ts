// How long the container's command takes until its server is ready.
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../e2e/support/free-port.ts';
import { binFile } from '../e2e/support/programs.ts';
import type { IdleScene } from './idle-scene.ts';
import { spreadOf } from './statistics.ts';
import type { Table } from './table.ts';

/** Milliseconds between two looks whether a server is ready: what a start is measured to. */
const pollPause = 5;

export async function coldStart(scene: IdleScene, count: number): Promise<Table> {
  return {
    id: 'start',
    title: 'A cold start',
    notes: [
      `${count} starts of \`node dist/main.js\`, until \`/readyz\` says 200, with FusionAuth (the emulator) there.`,
    ],
    columns: [{ key: 'milliseconds', title: 'ms', digits: 0 }],
    rows: [
      {
        name: 'without Redis',
        cells: { milliseconds: spreadOf(await starts(scene, count, {})) },
      },
      {
        name: 'with Redis',
        cells: { milliseconds: spreadOf(await starts(scene, count, { REDIS_URL: scene.redis.url })) },
      },
    ],
  };
}

/** Milliseconds from the start of the process to the first 200 of `/readyz`. */
async function starts(
  { processes, home }: IdleScene,
  count: number,
  more: Record<string, string>,
): Promise<number[]> {
  const emulator = processes.startBin('fusionauth-emulator', ['--port', '0'], { env: home.env });
  const [, url = ''] = await emulator.prints('stdout', /emulator ready at (http:\/\/\S+)/u);
  const measured: number[] = [];
  for (let run = 0; run < count; run += 1) {
    const port = String(await freePort());
    const env = { ...home.env, FUSIONAUTH_URL: url, PORT: port, ...more };
    const begin = performance.now();
    const main = binFile('mcp-keyhole-server').replace(/bin.mcp-keyhole-server\.js$/u, 'dist/main.js');
    const server = processes.start('server', process.execPath, [main], { env });
    while (!(await isReady(`http://127.0.0.1:${port}/readyz`))) await delay(pollPause);
    measured.push(performance.now() - begin);
    await server.end();
  }
  await emulator.end();
  return measured;
}

async function isReady(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ status }) => status === 200,
    () => false,
  );
}
