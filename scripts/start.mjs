// `npm start`, also on a fresh clone: installs what is missing, then hands over to start/main.ts.
import { npm } from './child.mjs';
import { areDependenciesInstalled, installDependencies } from './dependencies.mjs';
import { requireNode } from './node-version.mjs';

requireNode([20, 18, 1]);

if (!areDependenciesInstalled()) {
  console.log('… Installing dependencies (npm ci; once)');
  const { code, output, seconds } = await installDependencies();
  if (code !== 0) {
    console.error(`${output}\nnpm ci failed: see above. Run it by hand, and then npm start again.`);
    process.exit(1);
  }
  console.log(`✔ Dependencies are installed. (${seconds.toFixed(1)} s)`);
}

const { register } = await import('tsx/esm/api');
register();
const { main } = await import('./start/main.ts');
process.exit(
  await main(process.argv.slice(2), process.env, () =>
    npm(['run', '--silent', 'build'], { env: { TURBO_TELEMETRY_DISABLED: '1' } }),
  ),
);
