// `npm test`: everything but the slow suites, on a fresh clone. `npm test -- unit lint` runs only those steps.
// Static steps count as one each, suites by their tests; the end says what failed and, in its last line, `N passed, N failed`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { stripVTControlCharacters } from 'node:util';
import { npm } from './child.mjs';
import { areDependenciesInstalled, installDependencies } from './dependencies.mjs';
import { requireNode } from './node-version.mjs';
import { ensurePrerequisites } from './prerequisites.mjs';

requireNode([20, 19, 0]);

const staticSteps = ['build', 'format:check', 'lint', 'types'];
const suites = ['unit', 'integration', 'e2e-apart', 'e2e'];
/** Only by name: `npm run test:slow`. */
const slowSuites = ['distribution', 'stress', 'conformance'];
const known = [...staticSteps, ...suites, ...slowSuites];
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no step ${unknown.join(', ')}. Steps: ${known.join(' ')}`);
  process.exit(2);
}
const isChosen = (name) => (chosen.length === 0 ? !slowSuites.includes(name) : chosen.includes(name));

const reports = mkdtempSync(path.join(tmpdir(), 'keyhole-test-'));
const begin = performance.now();
const total = { passed: 0, failed: 0 };
/** One line for each step or test that failed. */
const failures = [];
try {
  if (await ready()) await runAll();
  else total.failed += 1;
} finally {
  rmSync(reports, { recursive: true, force: true });
}
console.log(`\n${((performance.now() - begin) / 1_000).toFixed(0)} s in all`);
if (failures.length > 0) console.log(['Failed:', ...failures].join('\n✖ '));
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

async function runAll() {
  const lane = async (names, suiteOptions) => {
    for (const name of names.filter(isChosen)) {
      await (staticSteps.includes(name) ? staticStep(name) : suite(name, suiteOptions));
    }
  };
  // Everything after the build needs it: lint resolves what the bins import.
  await lane(['build']);
  // Two lanes at once. Beside the end-to-end tests that wait for real programs and their screens, only the light steps.
  await Promise.all([lane(['e2e-apart', 'format:check', 'types']), lane(['unit', 'integration'])]);
  await Promise.all([lane(['lint']), lane(['e2e'], { show: true })]);
  await lane(slowSuites, { show: true });
}

/** Dependencies and prerequisites, which come from different places. */
async function ready() {
  const all = await Promise.all([dependencies(), prerequisites()]);
  return all.every(Boolean);
}

async function dependencies() {
  if (areDependenciesInstalled()) return true;
  const { code, output, seconds } = await announced('dependencies', 'npm ci', installDependencies());
  if (code !== 0) return fail('dependencies', output, seconds);
  tick('dependencies', '', seconds);
  return true;
}

/** Elsewhere than on Linux only the end-to-end tests need any; the conformance suite needs none anywhere. */
async function prerequisites() {
  const endToEnd = ['e2e-apart', 'e2e', 'distribution', 'stress'];
  if (!(process.platform === 'linux' ? [...suites, ...endToEnd] : endToEnd).some(isChosen)) return true;
  const started = performance.now();
  const reason = await ensurePrerequisites((line) => console.log(`… prerequisites: ${line}`));
  const seconds = (performance.now() - started) / 1_000;
  if (reason !== undefined) return fail('prerequisites', reason, seconds);
  tick('prerequisites', '', seconds);
  return true;
}

async function staticStep(name) {
  const { code, output, seconds } = await announced(name, `npm run ${name}`, npm(['run', '--silent', name]));
  if (code !== 0) {
    total.failed += 1;
    fail(name, output, seconds);
    return;
  }
  total.passed += 1;
  // The suites need not look for themselves, while others start what they would write.
  if (name === 'build') process.env.KEYHOLE_IS_BUILT = '1';
  tick(name, '', seconds);
}

async function suite(name, { show = false } = {}) {
  const file = path.join(reports, `${name}.json`);
  const reporting =
    name === 'conformance'
      ? []
      : ['--', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const { code, output, seconds } = await announced(
    name,
    `npm run test:${name}`,
    npm(['run', '--silent', `test:${name}`, ...reporting], { show }),
  );
  const counts = name === 'conformance' ? countsIn(output) : countsOf(file);
  // A suite that ends badly without a failed test: an error outside any test.
  if (code !== 0 && counts.failed === 0) {
    counts.failed = 1;
    counts.failures.push(`ended with exit code ${code}`);
  }
  total.passed += counts.passed;
  total.failed += counts.failed;
  const summary =
    `${counts.passed} passed, ${counts.failed} failed` +
    (counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`);
  if (counts.failed > 0) {
    const lines = counts.failures.map((line) => `${name}: ${line}`);
    return void fail(`${name}: ${summary}`, show ? '' : output, seconds, lines);
  }
  // Its tables are for people too; while it ran they would have stood between the other lane's lines.
  if (name === 'e2e-apart') console.log(output);
  tick(name, summary, seconds);
}

/** What a suite of its own kind says: a line for each failure, and its last. */
function countsIn(output) {
  const plain = stripVTControlCharacters(output);
  const [, passed = 0, failed = 0] = /^(\d+) passed, (\d+) failed\s*$/mu.exec(plain) ?? [];
  const failures = [...plain.matchAll(/^✖ (.+)$/gmu)].map(([, line]) => line.trimEnd());
  return { passed: Number(passed), failed: Number(failed), skipped: 0, failures };
}

/** What vitest's JSON report counts; nothing when there is no report. */
function countsOf(file) {
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, skipped: 0, failures: [] };
  }
  const failures = report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const where = path.relative(process.cwd(), name);
    const failed = assertionResults.filter((test) => test.status === 'failed');
    // A file that cannot be loaded, or whose hook fails.
    if (status === 'failed' && failed.length === 0) return [`${where}: ${firstLine(message)}`];
    return failed.map(
      ({ fullName, failureMessages }) => `${where}: ${fullName}: ${firstLine(failureMessages[0])}`,
    );
  });
  return {
    passed: report.numPassedTests,
    failed: failures.length,
    skipped: report.numPendingTests + report.numTodoTests,
    failures,
  };
}

function firstLine(message = '') {
  return stripVTControlCharacters(message).trim().split('\n', 1)[0];
}

function announced(name, command, work) {
  console.log(`… ${name} (${command})`);
  return work;
}

function tick(name, summary, seconds) {
  console.log(`✔ ${[name, summary].filter(Boolean).join(': ')} (${seconds.toFixed(1)} s)`);
}

/** @param lines of the list at the end */
function fail(name, output, seconds, lines = [name]) {
  failures.push(...lines);
  const indented = output.trimEnd().replace(/^/gmu, '  ');
  console.log(`✖ ${name} (${seconds.toFixed(1)} s)${output === '' ? '' : `\n${indented}`}`);
  return false;
}
