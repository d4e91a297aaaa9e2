// Issue 5: four nodes, a real Redis, a real Caddy in front; 10,000 calls of 200 users, and in the middle a node is killed, then Redis.
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Caller, manners, type Outcome } from '../support/callers.ts';
import { outcomeFigures, phases, type Call, type Phase } from '../support/calls.ts';
import { UserBase, type User } from '../support/cluster-users.ts';
import { Cluster } from '../support/cluster.ts';
import { printFigures } from '../support/crowd.ts';
import { Load, shuffle } from '../support/load.ts';
import { createRandom } from '../../packages/proxy/test/support/random.ts';

const nodeCount = 4;
const userCount = 200;
const callsOfUser = 50;
const badCalls = 1_000;
const concurrency = 64;
/** Requests a minute that one user may make: more than anyone does who is not greedy. */
const limit = 120;

const calls: Call[] = [];
/** Milliseconds until the last node refused a revoked token. */
const revocations: number[] = [];
/** How many calls of one greedy user got through. */
const passed = { withRedis: 0, withoutRedis: 0, afterwards: 0 };
const figures: string[] = [];
let phase: Phase = 'four nodes';
let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start(nodeCount, { RATE_LIMIT_USER: String(limit) });
  const base = await UserBase.start(cluster.fusionAuth, cluster.endpoint);
  const begin = performance.now();
  const [users, others] = [await base.add(userCount), await base.add(6)];
  const badTokens = await base.badTokens();
  figures.push(`${users.length} users signed in with their passwords in ${secondsSince(begin).toFixed(0)} s`);
  await play(users, others, badTokens);
}, 300_000);

afterAll(async () => {
  printFigures('Four nodes, Redis, Caddy', [...figures, ...outcomeFigures(calls)]);
  await cluster.close();
});

/** The calls, and meanwhile what befalls the nodes and Redis. */
async function play(users: readonly User[], others: readonly User[], badTokens: string[]): Promise<void> {
  const [revoked, leaving, leavingLate, patient, greedy, greedyLate] = others;
  if (!revoked || !leaving || !leavingLate || !patient || !greedy || !greedyLate) {
    throw new Error('There are too few users.');
  }
  await cluster.revoke(revoked);
  const refused = [...badTokens, revoked.token].flatMap((token) => [
    // Who is not let in has no session to call in.
    new Caller(token, 'without a session'),
    new Caller(token, 'modern era'),
  ]);
  const callers = users.map(
    ({ token }, index) => new Caller(token, manners[index % manners.length] ?? 'modern era'),
  );
  const probe = new Caller(patient.token, 'in a session');
  await Promise.all([probe, ...callers].map(async (caller) => caller.begin(cluster.endpoint)));

  const task = (caller: Caller | undefined, greeting?: string) => async () => {
    if (caller === undefined) throw new Error('There is no caller.');
    const [{ manner }, before, begin] = [caller, phase, performance.now()];
    const outcome = await caller.call(cluster.endpoint);
    calls.push({ phase: before, manner, milliseconds: performance.now() - begin, outcome, greeting });
  };
  const good = users.flatMap(({ greeting }, index) =>
    Array.from({ length: callsOfUser }, () => task(callers[index], greeting)),
  );
  const bad = Array.from({ length: badCalls }, (_, index) => task(refused[index % refused.length]));
  const load = new Load(shuffle([...good, ...bad], createRandom(5)), concurrency);
  const begin = performance.now();
  const done = load.run();

  await load.reached(1_000);
  passed.withRedis = await passes(greedy, 2 * limit);
  await load.reached(2_500);
  revocations.push(await timeToRevoke(leaving));
  await load.reached(4_000);
  phase = 'a node gone';
  await cluster.killNode(3);
  await load.reached(5_500);
  phase = 'Redis gone too';
  await cluster.redis.stop();
  passed.withoutRedis = await passes(greedyLate, nodeCount * limit);
  await load.reached(7_500);
  await Promise.all([cluster.redis.start(), cluster.restartNode(3)]);
  await vi.waitFor(async () => expect(await isAnsweredByAll(probe)).toBe(true), {
    timeout: 10_000,
    interval: 250,
  });
  phase = 'all back';
  passed.afterwards = await passes(greedyLate, 2 * limit);
  await load.reached(9_500);
  revocations.push(await timeToRevoke(leavingLate));
  await done;
  const seconds = secondsSince(begin);
  figures.push(
    `${calls.length} calls in ${seconds.toFixed(0)} s, ${concurrency} at once: ${(calls.length / seconds).toFixed(0)} calls/s`,
    `a limit of ${limit} let one user's calls pass: ${passed.withRedis}; without Redis at three nodes ${passed.withoutRedis}; after its return ${passed.afterwards}`,
    `revoked at all nodes after ${revocations.map((value) => `${value.toFixed(0)} ms`).join(', ')}`,
  );
}

/** Revokes a user's tokens. @returns milliseconds since Redis had it from when on calls that began were refused by every node */
async function timeToRevoke(user: User): Promise<number> {
  const caller = new Caller(user.token, 'without a session');
  expect(await isAnsweredByAll(caller)).toBe(true);
  const revoked = await cluster.revoke(user);
  // Under load an answer takes its time, which is not the revocation's: none is waited for before the next call begins.
  const rounds = Array.from({ length: 20 }, async (_, index) => {
    await pause(50 * index);
    const begin = performance.now() - revoked;
    const outcomes = await Promise.all(cluster.nodes.map(async ({ endpoint }) => caller.call(endpoint)));
    return { begin, isRefused: outcomes.every(isUnauthorized) };
  });
  const seen = await Promise.all(rounds);
  return seen[seen.findLastIndex(({ isRefused }) => !isRefused) + 1]?.begin ?? Number.POSITIVE_INFINITY;
}

function isUnauthorized(outcome: Outcome): boolean {
  return outcome.kind === 'refused' && outcome.status === 401;
}

async function isAnsweredByAll(caller: Caller): Promise<boolean> {
  const outcomes = await Promise.all(cluster.nodes.map(async ({ endpoint }) => caller.call(endpoint)));
  return outcomes.every(({ kind }) => kind === 'answered');
}

/** How many of so many calls a user's limit lets pass. */
async function passes(user: User, attempts: number): Promise<number> {
  let count = 0;
  const caller = new Caller(user.token, 'modern era');
  const attempt = async (): Promise<void> => {
    const { kind } = await caller.call(cluster.endpoint);
    if (kind === 'answered') count += 1;
  };
  await new Load(
    Array.from({ length: attempts }, () => attempt),
    16,
  ).run();
  return count;
}

function secondsSince(begin: number): number {
  return (performance.now() - begin) / 1_000;
}

const isAnswered = ({ outcome }: Call): boolean => outcome.kind === 'answered';
const good = (...when: Phase[]): Call[] =>
  calls.filter((call) => call.greeting !== undefined && when.includes(call.phase));
const shareAnswered = (some: readonly Call[]): number => some.filter(isAnswered).length / some.length;

test('every call of every user is answered or refused, and none is lost', () => {
  expect(good(...phases)).toHaveLength(userCount * callsOfUser);
  expect(calls.filter(({ outcome }) => outcome.kind === 'lost')).toEqual([]);
  for (const when of phases) expect(good(when).length).toBeGreaterThan(500);
});

test("nobody gets another user's name", () => {
  for (const { outcome, greeting } of good(...phases)) {
    if (outcome.kind === 'answered') expect(outcome.greeting).toBe(greeting);
  }
});

test('no bad token is let in, whatever is gone', () => {
  const bad = calls.filter(({ greeting }) => greeting === undefined);
  expect(bad).toHaveLength(badCalls);
  const statuses = bad.map(({ outcome }) => (outcome.kind === 'refused' ? outcome.status : outcome.kind));
  // The load balancer answers for a node that it cannot reach.
  for (const status of new Set(statuses)) expect([401, 502, 503, 'cut']).toContain(status);
  expect(statuses.filter((status) => status === 401).length).toBeGreaterThan(0.95 * badCalls);
});

test('only calls under way at a node that dies fail, and those in sessions while Redis is gone', () => {
  const isByRedis = ({ outcome, manner }: Call): boolean =>
    manner === 'in a session' && outcome.kind === 'refused' && outcome.status === 503;
  const failed = good(...phases).filter((call) => !isAnswered(call));
  // Debian's Caddy 2.6 fails a few more, which it cannot send to another node (caddyserver/caddy#7546).
  expect(failed.filter((call) => !isByRedis(call)).length).toBeLessThan(2 * concurrency);
  for (const { outcome } of failed.filter(isByRedis)) expect(outcome).toMatchObject({ retryAfter: '1' });
  const inSession = (when: Phase): Call[] => good(when).filter(({ manner }) => manner === 'in a session');
  expect(shareAnswered(inSession('Redis gone too'))).toBeLessThan(0.5);
  // The sessions outlast Redis' restart.
  expect(shareAnswered(inSession('all back'))).toBeGreaterThan(0.99);
});

test("a user's limit holds over all nodes; without Redis, at each", () => {
  // A node that gets no answer in time counts for itself, as it does without Redis: on a busy machine a few calls more.
  const slack = 0.05 * limit;
  expect(passed.withRedis).toBeGreaterThanOrEqual(limit - slack);
  expect(passed.withRedis).toBeLessThanOrEqual(limit + slack);
  expect(passed.withoutRedis).toBeGreaterThan(limit + slack);
  expect(passed.withoutRedis).toBeLessThanOrEqual((nodeCount - 1) * limit);
  expect(passed.afterwards).toBeLessThanOrEqual(limit + slack);
});

test('a revocation is effective at all nodes within a second, also at one that has started since', () => {
  expect(revocations).toHaveLength(2);
  for (const milliseconds of revocations) expect(milliseconds).toBeLessThan(1_000);
});
