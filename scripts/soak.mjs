// `npm run soak -- [seconds] [seed]`: mixed traffic and random faults through the built proxy, ten minutes unless told otherwise.
import { npm } from './child.mjs';

const [seconds = '600', seed] = process.argv.slice(2);
for (const value of [seconds, seed ?? '0']) {
  if (!/^\d+$/u.test(value)) {
    console.error(`${value} is no number. npm run soak -- [seconds] [seed]`);
    process.exit(2);
  }
}
process.env.SOAK_SECONDS = seconds;
if (seed !== undefined) process.env.SOAK_SEED = seed;
const steps = [['build'], ['test:stress', '--', 'e2e/stress/soak.test.ts']];
for (const step of steps) {
  const { code } = await npm(['run', '--silent', ...step], { show: true });
  if (code !== 0) process.exit(1);
}
