import { npm } from './child.mjs';

/** Before a suite that starts our programs: builds what has changed, unless `npm test` has just done so. */
export default async function build() {
  if (process.env.KEYHOLE_IS_BUILT !== undefined) return;
  const { code, output } = await npm(['run', '--silent', 'build']);
  if (code !== 0) throw new Error(`npm run build ended with exit code ${code}.\n${output}`);
}
