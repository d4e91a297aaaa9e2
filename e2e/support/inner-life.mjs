// Loaded into a proxy (`node --expose-gc --import`): at SIGUSR2 it tells what the process holds, as one line on stderr.
import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';

process.on('SIGUSR2', () => {
  void tell();
});

async function tell() {
  // Twice: what the first run finalizes, the second one frees.
  globalThis.gc();
  await turn();
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  process.stderr.write(`inner life: ${JSON.stringify({ rss, heapUsed, external, resources })}\n`);
}
