// The conformance suite as a program: its installation, its runs, and the files that it writes.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from '../../scripts/child.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const installed = new URL('node_modules/', import.meta.url);
/** The folder of the suite's package. */
export const suiteFolder = new URL('@modelcontextprotocol/conformance/', installed);
/** The suite needs Node.js 22; the host and the proxy run on the Node.js that runs us. */
const suiteNode = fileURLToPath(new URL('node/bin/node', installed));
const suiteMain = fileURLToPath(new URL('dist/index.js', suiteFolder));

/** Installs the suite at first use, and again when another version is wanted. */
export async function installSuite(print) {
  const mark = path.join(here, 'node_modules', '.package-lock.json');
  const lock = path.join(here, 'package-lock.json');
  const isInstalled = () => statSync(mark, { throwIfNoEntry: false })?.mtimeMs >= statSync(lock).mtimeMs;
  if (isInstalled()) return;
  print('… installing the conformance suite (npm ci in e2e/conformance)');
  const { code, output } = await npm(['ci', '--prefix', here, '--no-audit', '--no-fund', '--loglevel=error']);
  if (code === 0) return;
  print(output);
  throw new Error('The conformance suite could not be installed.');
}

/**
 * Runs the suite to its end.
 *
 * @param workshop a folder where it may leave what makes its next start faster
 * @param onOutput is told all that it has printed so far
 */
export async function runSuite(workshop, args, onOutput = () => undefined) {
  const env = {
    ...process.env,
    BROWSER: path.join(here, 'browser.mjs'),
    // Half of the suite's own time is the compilation of its one large file.
    NODE_COMPILE_CACHE: path.join(workshop, 'compiled'),
  };
  const child = spawn(suiteNode, [suiteMain, ...args], { cwd: here, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
      onOutput(output);
    });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, output };
}

/** A file that the suite wrote, below a folder that it names after scenario and time; empty when it did not. */
export function resultFile(folder, name) {
  return resultFiles(folder, name)[0] ?? '';
}

export function resultFiles(folder, name) {
  return readdirSync(folder, { recursive: true })
    .filter((candidate) => path.basename(candidate) === name)
    .map((file) => readFileSync(path.join(folder, file), 'utf8'));
}
