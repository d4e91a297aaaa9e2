// `npm run test:conformance`: MCP's official conformance suite, client side, against the proxy. With arguments, only the
// scenarios whose names contain one of them. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { npm } from '../../scripts/child.mjs';
import { planScenarios } from './plan.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const installed = new URL('node_modules/', import.meta.url);
const suite = new URL('@modelcontextprotocol/conformance/', installed);
/** The suite needs Node.js 22; the host and the proxy run on the Node.js that runs us. */
const suiteNode = fileURLToPath(new URL('node/bin/node', installed));
const suiteMain = fileURLToPath(new URL('dist/index.js', suite));
const hostCommand = [process.execPath, '--import', 'tsx', path.join(here, 'host.ts')]
  .map((word) => `'${word}'`)
  .join(' ');
/** Longer than the host waits for anything. */
const timeLimit = 60_000;
const most = 2;

const print = (line) => process.stdout.write(`${line}\n`);

await install();
const wanted = process.argv.slice(2);
const plan = planScenarios(suite).filter(
  ({ scenario }) => wanted.length === 0 || wanted.some((part) => scenario.includes(part)),
);
const width = Math.max(0, ...plan.map(({ scenario }) => scenario.length));
const results = [];
const queue = [...plan];
await Promise.all(Array.from({ length: most }, work));
summarize();

/** Installs the suite at first use, and again when another version is wanted. */
async function install() {
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

async function work() {
  for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
    const result = { ...entry, ...(await play(entry)) };
    results.push(result);
    show(result);
  }
}

/** Plays one scenario. Returns whether it passed, what happened, and why it did not pass. */
async function play({ scenario, revision, expected }) {
  const folder = mkdtempSync(path.join(tmpdir(), 'keyhole-conformance-'));
  const begin = performance.now();
  try {
    const { code, output } = await runSuite([
      ...['client', '--command', hostCommand, '--scenario', scenario, '--spec-version', revision, '--force'],
      ...['--timeout', String(timeLimit), '--output-dir', folder],
    ]);
    const outcome = outcomeIn(resultFile(folder, 'stdout.txt'));
    const why = failedChecks(resultFile(folder, 'checks.json'));
    if (outcome !== expected) why.push(`the proxy's outcome is ${outcome}, not ${expected}`);
    if (code !== 0 && why.length === 0) why.push(output.trimEnd());
    if (why.length > 0) why.push(resultFile(folder, 'stderr.txt').trimEnd());
    return { passed: why.length === 0, outcome, why, seconds: (performance.now() - begin) / 1_000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runSuite(args) {
  const child = spawn(suiteNode, [suiteMain, ...args], { cwd: here, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, output };
}

/** A file that the suite wrote, below a folder that it names after scenario and time; empty when it did not. */
function resultFile(folder, name) {
  const file = readdirSync(folder, { recursive: true }).find(
    (candidate) => path.basename(candidate) === name,
  );
  return file === undefined ? '' : readFileSync(path.join(folder, file), 'utf8');
}

/** The checks that did not succeed; a warning is a failure. */
function failedChecks(json) {
  if (json === '') return ['the suite wrote no result'];
  return JSON.parse(json)
    .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    .map(({ id, description, errorMessage }) => `${id}: ${errorMessage ?? description}`);
}

/** `answered`, or the code of the refusal, as the host's last line has it. */
function outcomeIn(stdout) {
  const line = stdout.trimEnd().split('\n').at(-1);
  if (line === '') return 'unknown';
  const { outcome, code } = JSON.parse(line);
  return code ?? outcome;
}

function show({ scenario, revision, counted, passed, outcome, why, seconds }) {
  const mark = passed ? '✔' : counted ? '✖' : '·';
  print(
    `${mark} ${scenario.padEnd(width)}  ${revision}  ${seconds.toFixed(1).padStart(5)} s  ${outcome}` +
      (counted ? '' : passed ? '  (not required yet)' : '  (does not pass, not required yet)'),
  );
  if (!passed && (counted || wanted.length > 0)) print(why.join('\n').replace(/^/gmu, '    '));
}

function summarize() {
  const count = (counted, passed) =>
    results.filter((result) => result.counted === counted && result.passed === passed).length;
  const reported = results.filter(({ counted }) => !counted);
  if (reported.length > 0) {
    print(`\nNot required yet: ${count(false, true)} of ${reported.length} other client scenarios pass.`);
  }
  print(`\n${count(true, true)} passed, ${count(true, false)} failed`);
  process.exitCode = count(true, false) === 0 && results.length > 0 ? 0 : 1;
}
