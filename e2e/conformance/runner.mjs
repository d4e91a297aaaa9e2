// `npm run test:conformance`: MCP's official conformance suite, client side, against the proxy under three kinds of host.
// With arguments, only the plays whose scenario, revision and host have all of them in it. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { npm } from '../../scripts/child.mjs';
import { authorizationServerPlan, playAuthorizationServer } from './authorization-server.mjs';
import { planScenarios } from './plan.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const installed = new URL('node_modules/', import.meta.url);
const suite = new URL('@modelcontextprotocol/conformance/', installed);
/** The suite needs Node.js 22; the host and the proxy run on the Node.js that runs us. */
const suiteNode = fileURLToPath(new URL('node/bin/node', installed));
const suiteMain = fileURLToPath(new URL('dist/index.js', suite));
const proxy = fileURLToPath(new URL('../../packages/proxy/bin/mcp-keyhole.js', import.meta.url));
/** Longer than the host waits for anything. */
const timeLimit = 60_000;
/** Plays at once: each is a chain of short processes, of which one runs while the others wait. */
const most = 3;

const print = (line) => process.stdout.write(`${line}\n`);

await install();
const workshop = mkdtempSync(path.join(tmpdir(), 'keyhole-conformance-'));
const wanted = process.argv.slice(2);
const plan = [...planScenarios(suite), ...authorizationServerPlan].filter((entry) =>
  wanted.every((part) => [entry.scenario, entry.revision, entry.host].join(' ').includes(part)),
);
const width = Math.max(0, ...plan.map(({ scenario }) => scenario.length));
const results = [];
const queue = [...plan];
const begin = performance.now();
try {
  const host = await bundleHost();
  await Promise.all(Array.from({ length: most }, () => work(host)));
  summarize();
} finally {
  rmSync(workshop, { recursive: true, force: true });
}

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

/** The host as one file: started a hundred and fifty times, it must not be compiled each time. */
async function bundleHost() {
  const outfile = path.join(workshop, 'host.mjs');
  await build({
    entryPoints: [path.join(here, 'host.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    // The SDK's dependencies that are CommonJS modules ask for `require`.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return outfile;
}

async function work(host) {
  for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
    const act = entry.set === 'authorization server' ? actAuthorizationServer : play;
    const result = { ...entry, ...(await act(entry, host)) };
    results.push(result);
    show(result);
  }
}

/** Plays one scenario with one host. Returns whether it passed, what happened, and why it did not pass. */
async function play({ scenario, revision, host, expected }, hostFile) {
  const folder = mkdtempSync(path.join(workshop, 'play-'));
  const started = performance.now();
  const command = [process.execPath, hostFile, host, proxy].map((word) => `'${word}'`).join(' ');
  const { code, output } = await runSuite([
    ...['client', '--command', command, '--scenario', scenario, '--spec-version', revision, '--force'],
    ...['--timeout', String(timeLimit), '--output-dir', folder],
  ]);
  const outcome = outcomeIn(resultFile(folder, 'stdout.txt'));
  const why = failedChecks(resultFile(folder, 'checks.json'));
  if (outcome !== expected) why.push(`the proxy's outcome is ${outcome}, not ${expected}`);
  if (code !== 0 && why.length === 0) why.push(output.trimEnd());
  if (why.length > 0) why.push(resultFile(folder, 'stderr.txt').trimEnd());
  return { passed: why.length === 0, outcome, why, seconds: (performance.now() - started) / 1_000 };
}

/** The suite's own client against the emulator. */
async function actAuthorizationServer(entry) {
  const folder = mkdtempSync(path.join(workshop, 'play-'));
  const started = performance.now();
  const result = await playAuthorizationServer(entry, await freePort(), {
    run: (args, onOutput) => runSuite([...args, '--output-dir', folder], onOutput),
    checks: () => resultFiles(folder, 'checks.json').flatMap((json) => JSON.parse(json)),
  });
  return { ...result, seconds: (performance.now() - started) / 1_000 };
}

/** A port for the suite's callback. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function runSuite(args, onOutput = () => undefined) {
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
function resultFile(folder, name) {
  return resultFiles(folder, name)[0] ?? '';
}

function resultFiles(folder, name) {
  return readdirSync(folder, { recursive: true })
    .filter((candidate) => path.basename(candidate) === name)
    .map((file) => readFileSync(path.join(folder, file), 'utf8'));
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

function show({ scenario, revision, host, passed, outcome, why, seconds }) {
  const columns = [scenario.padEnd(width), revision, host.padEnd(6), `${seconds.toFixed(1).padStart(5)} s`];
  print(`${passed ? '✔' : '✖'} ${columns.join('  ')}  ${outcome}`);
  if (!passed) print(why.join('\n').replace(/^/gmu, '    '));
}

function summarize() {
  const passed = (some) => some.filter((result) => result.passed).length;
  print('');
  const parts = new Set(plan.map(({ set, host }) => `${set}, ${host} host`));
  for (const part of parts) {
    const some = results.filter(({ set, host }) => `${set}, ${host} host` === part);
    print(`${part}: ${passed(some)} of ${some.length}`);
  }
  print(`${((performance.now() - begin) / 1_000).toFixed(0)} s`);
  print(`\n${passed(results)} passed, ${results.length - passed(results)} failed`);
  process.exitCode = passed(results) === results.length && results.length > 0 ? 0 : 1;
}
