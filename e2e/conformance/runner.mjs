// `npm run test:conformance`: MCP's official conformance suite, client side against the proxy under three kinds of host, server
// side against the server, and its authorization-server scenarios against the emulator.
// With arguments, only the plays whose scenario, revision and host have all of them in it. The last line is `N passed, N failed`.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { freePort } from '../support/free-port.ts';
import { authorizationServerPlan, playAuthorizationServer } from './authorization-server.mjs';
import { planScenarios } from './plan.mjs';
import { planServer, playServer, sittings } from './server.mjs';
import { installSuite, resultFile, resultFiles, runSuite, suiteFolder } from './suite.mjs';
import { startProtectedServers } from './server/protected-servers.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const proxy = fileURLToPath(new URL('../../packages/proxy/bin/mcp-keyhole.js', import.meta.url));
/** Longer than the host waits for anything. */
const timeLimit = 60_000;
/** Plays at once: each is a chain of short processes, of which one runs while the others wait. */
const most = 3;

const print = (line) => process.stdout.write(`${line}\n`);

await installSuite(print);
const workshop = mkdtempSync(path.join(tmpdir(), 'keyhole-conformance-'));
const wanted = process.argv.slice(2);
const plan = [...planServer(suiteFolder), ...planScenarios(suiteFolder), ...authorizationServerPlan].filter(
  (entry) => wanted.every((part) => [entry.scenario, entry.revision, entry.host].join(' ').includes(part)),
);
const width = Math.max(0, ...plan.map(({ scenario }) => scenario.length));
const results = [];
const queue = acts();
const begin = performance.now();
let host;
let servers;
try {
  await Promise.all(Array.from({ length: most }, work));
  summarize();
} finally {
  rmSync(workshop, { recursive: true, force: true });
  await (await servers)?.close();
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

/** Whether it is our server that is played against, and not the proxy. */
function isServer({ set }) {
  return set.startsWith('server');
}

/** What is to be done, the longest first: each answers the results of one play or more. */
function acts() {
  const single = (entry) => (entry.set === 'authorization server' ? actAuthorizationServer : play);
  return [
    ...sittings(plan.filter(isServer)).map((plays) => () => actServer(plays)),
    ...plan
      .filter((entry) => !isServer(entry))
      .map((entry) => async () => [{ ...entry, ...(await single(entry)(entry)) }]),
  ];
}

async function work() {
  for (let act = queue.shift(); act !== undefined; act = queue.shift()) {
    for (const result of await act()) {
      results.push(result);
      show(result);
    }
  }
}

/** Plays one scenario with one host. Returns whether it passed, what happened, and why it did not pass. */
async function play({ scenario, revision, host: kind, expected }) {
  host ??= bundleHost();
  const hostFile = await host;
  const folder = mkdtempSync(path.join(workshop, 'play-'));
  const started = performance.now();
  const command = [process.execPath, hostFile, kind, proxy].map((word) => `'${word}'`).join(' ');
  const { code, output } = await runSuite(workshop, [
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
    run: (args, onOutput) => runSuite(workshop, [...args, '--output-dir', folder], onOutput),
    checks: () => resultFiles(folder, 'checks.json').flatMap((json) => JSON.parse(json)),
  });
  return { ...result, seconds: (performance.now() - started) / 1_000 };
}

/** The suite's own client against our server; all of a sitting take its time together. */
async function actServer(plays) {
  servers ??= startProtectedServers();
  const endpoints = await servers;
  const folder = mkdtempSync(path.join(workshop, 'play-'));
  const checks = (scenario) => {
    // The suite names a folder after scenario and time.
    const name = new RegExp(`^server-${scenario}-\\d{4}-`, 'u');
    const [found] = readdirSync(folder).filter((each) => name.test(each));
    return found && JSON.parse(readFileSync(path.join(folder, found, 'checks.json'), 'utf8'));
  };
  const run = (args) => runSuite(workshop, [...args, '--output-dir', folder]);
  const started = performance.now();
  const sitting = await playServer(plays, endpoints, { run, checks });
  const seconds = (performance.now() - started) / 1_000;
  return sitting.map((result) => ({ ...result, seconds }));
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
  const columns = [scenario.padEnd(width), revision, host.padEnd(8), `${seconds.toFixed(1).padStart(5)} s`];
  print(`${passed ? '✔' : '✖'} ${columns.join('  ')}  ${outcome}`);
  if (!passed) print(why.join('\n').replace(/^/gmu, '    '));
}

function summarize() {
  const passed = (some) => some.filter((result) => result.passed).length;
  print('');
  const partOf = (play) => (isServer(play) ? play.set : `${play.set}, ${play.host} host`);
  for (const part of new Set(plan.map(partOf))) {
    const some = results.filter((result) => partOf(result) === part);
    print(`${part}: ${passed(some)} of ${some.length}`);
  }
  print(`${((performance.now() - begin) / 1_000).toFixed(0)} s`);
  print(`\n${passed(results)} passed, ${results.length - passed(results)} failed`);
  process.exitCode = passed(results) === results.length && results.length > 0 ? 0 : 1;
}
