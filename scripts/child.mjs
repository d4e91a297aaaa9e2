import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/** The repository's root folder. */
export const root = new URL('..', import.meta.url);

/**
 * Runs a program in the root folder, with nothing on its stdin.
 *
 * @param options.show whether its output goes through to ours as it comes; it is kept in any case
 * @returns its exit code (null when a signal ended it), its output (stdout and stderr as they came) and seconds
 */
export async function run(command, args, { env = {}, show = false, shell = false } = {}) {
  const begin = performance.now();
  let output = '';
  const code = await new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell,
    });
    for (const [stream, through] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (show) through.write(text);
      });
    }
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, output, seconds: (performance.now() - begin) / 1_000 };
}

/** {@link run} for npm: the one that runs us, else the one on PATH. */
export function npm(args, options) {
  const own = process.env.npm_execpath;
  if (own !== undefined && own.endsWith('.js')) return run(process.execPath, [own, ...args], options);
  return run('npm', args, { ...options, shell: process.platform === 'win32' });
}
