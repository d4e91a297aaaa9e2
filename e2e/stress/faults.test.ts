// Each fault at each phase of a conversation: every request gets exactly one answer, within its deadline, and nothing is
// done twice at the server.
import { afterAll, describe, expect, test } from 'vitest';
import { CountingHost, type Reply } from '../support/counting-host.ts';
import { printFigures } from '../support/crowd.ts';
import { FaultServer, type Era, type Fault } from '../support/fault-server.ts';
import { faults, type FaultName } from '../support/faults.ts';
import { PrivateHome } from '../support/private-home.ts';

/** The request that meets the fault. */
const phases = ['first request', 'initialize', 'list', 'call', 'stream'] as const;
type Phase = (typeof phases)[number];

/** `ok`, or the code of the error. */
type Outcome = string;
type Expectation = Partial<Record<Phase, Outcome>>;

/** How long the proxy waits on a connection that has gone dead, in these tests. */
const silence = 2_000;
/** How long an answer may take beyond what the fault itself takes. */
const patience = 5_000;
/** The same for 50 MB, ten at a time. */
const longPatience = 30_000;

const lost = 'answer-lost';
const unusable = 'server-answer-unusable';
const refused = 'server-error';

/** Everything works: what was lost is asked for again, what was put off waits. A call whose fate is unknown is not repeated. */
const recovered: Expectation = {};
const unlessCall: Expectation = { call: lost };
const never = (outcome: Outcome): Expectation => ({
  initialize: outcome,
  list: outcome,
  call: outcome,
  stream: outcome,
});

/** What is not `ok`, at a server with sessions and resumable streams. */
const legacy: Readonly<Record<FaultName, Expectation>> = {
  'connection reset before the request is read': { call: lost, stream: lost },
  'connection cut before the answer': unlessCall,
  'connection cut in the head of the answer': { call: lost, stream: lost },
  'connection cut in the body of the answer': { call: lost, stream: lost },
  'connection that has gone dead': unlessCall,
  'stream that ends before the answer': recovered,
  'server restarting': { call: lost, stream: lost },
  'network away for a second': unlessCall,
  'status 500': never(refused),
  'status 500 with a page': never(refused),
  'status 502': { call: refused, stream: refused },
  'status 504': { call: refused, stream: refused },
  'status 429 for a second': recovered,
  'status 503 until a date': recovered,
  'status 503 for an hour': never(refused),
  'session lost, said by 404': { initialize: '-32000' },
  'session lost, said by 400': { initialize: '-32000' },
  'moved within the server': recovered,
  'moved to another server': never('server-redirected'),
  'page in place of the answer': never(unusable),
  'empty body': { call: lost, stream: lost },
  'answer without a content type': never(unusable),
  'answer with a wrong content type': never(unusable),
  'truncated JSON': never(unusable),
  'invalid UTF-8': never(unusable),
  'JSON that is no JSON-RPC': never(unusable),
  'answer to another request': { call: lost, stream: lost },
  'answer sent twice': recovered,
  'answers to others before it': recovered,
  'event that is no JSON': never(unusable),
  'ten thousand comments before it': recovered,
  'answer byte by byte': recovered,
  'answer after a second': recovered,
  'answer of 50 MB': recovered,
};

/** Where a modern server differs: it has neither sessions nor streams that can be resumed. */
const modern: Readonly<Record<FaultName, Expectation>> = {
  ...legacy,
  'connection cut before the answer': { call: lost, stream: lost },
  'connection that has gone dead': { call: lost, stream: lost },
  'stream that ends before the answer': { call: lost, stream: lost },
  'network away for a second': { call: lost, stream: lost },
  'session lost, said by 404': never('-32000'),
  'session lost, said by 400': never('-32000'),
};

const expected = { legacy, modern };
/** Calls that the server carried out, but whose answer never reached the proxy. */
const rows: string[] = [];

function outcomeOf({ result, error }: Reply): Outcome {
  if (result !== undefined) return 'ok';
  return error?.data?.code ?? String(error?.code);
}

/** A conversation with a server, in which one request meets the fault. */
class Conversation {
  readonly server: FaultServer;
  readonly host: CountingHost;
  readonly #home = new PrivateHome();

  private constructor(server: FaultServer) {
    this.server = server;
    const timeouts = ['--headers-timeout', '--body-timeout'].flatMap((flag) => [
      flag,
      String(silence / 1_000),
    ]);
    const args = [server.url, '--token-store', 'memory', ...timeouts];
    this.host = new CountingHost(server.era, args, this.#home.env);
  }

  static async start(era: Era, first?: Fault, method?: string): Promise<Conversation> {
    const server = await FaultServer.start(era);
    if (first !== undefined) server.plan(first, method);
    return new Conversation(server);
  }

  call(stream: boolean): Promise<Reply> {
    const _meta = { progressToken: 'progress' };
    return this.host.request('tools/call', {
      name: 'note',
      arguments: { key: stream ? 'stream' : 'call', stream },
      _meta,
    });
  }

  /** What a host would do next works. */
  async goesOn(): Promise<void> {
    const { result } = await this.host.request('tools/list');
    expect(result?.['tools']).toHaveLength(1);
  }

  async end(): Promise<void> {
    const { host, server } = this;
    expect(server.isQuiet, 'the fault has come').toBe(true);
    expect(await host.close()).toBe(0);
    expect({ surplus: host.surplus, waiting: host.waiting }).toEqual({ surplus: [], waiting: 0 });
    expect(host.answered).toBe(host.sent);
    for (const [key, times] of server.effects) expect(times, `calls ${key}`).toBeLessThanOrEqual(1);
    expect(server.isSessionLeft, 'the session is left').toBe(false);
    await server.close();
    this.#home.remove();
  }
}

/** Plays the fault at each phase; what came of it, by phase. */
async function play(era: Era, fault: Fault): Promise<Map<Phase, Reply>> {
  const replies = new Map<Phase, Reply>();
  const greet = async (phase: Phase, method?: string): Promise<void> => {
    const conversation = await Conversation.start(era, fault, method);
    const reply = await conversation.host.greet();
    replies.set(phase, reply);
    // A host whose greeting failed may try again.
    if (reply.result === undefined) expect((await conversation.host.greet()).error).toBeUndefined();
    await conversation.goesOn();
    await conversation.end();
  };
  const later = async (): Promise<void> => {
    const conversation = await Conversation.start(era);
    const { host, server } = conversation;
    await host.greet();
    await conversation.goesOn();
    server.plan(fault, 'tools/list');
    replies.set('list', await host.request('tools/list'));
    for (const phase of ['call', 'stream'] as const) {
      await conversation.goesOn();
      server.plan(fault, 'tools/call');
      replies.set(phase, await conversation.call(phase === 'stream'));
    }
    await conversation.goesOn();
    await conversation.end();
  };
  await Promise.all([
    greet('first request'),
    ...(era === 'legacy' ? [greet('initialize', 'initialize')] : []),
    later(),
  ]);
  return replies;
}

afterAll(() => {
  const title = ['fault'.padEnd(54), ...phases.map((phase) => phase.padEnd(27))].join('').trimEnd();
  printFigures('Faults between the proxy and the server, what the host got, after how many ms', [
    title,
    ...rows.sort(),
  ]);
});

describe.concurrent.each(['legacy', 'modern'] as const)('At a %s server', (era) => {
  test.each(Object.keys(faults) as FaultName[])('%s: every request has one answer', async (name) => {
    const replies = await play(era, faults[name]);
    const cells = phases.map((phase) => {
      const reply = replies.get(phase);
      return (reply === undefined ? '-' : `${outcomeOf(reply)} ${reply.milliseconds.toFixed(0)}`).padEnd(27);
    });
    rows.push(`${era} ${name}`.padEnd(54) + cells.join('').trimEnd());
    const outcomes = Object.fromEntries([...replies].map(([phase, reply]) => [phase, outcomeOf(reply)]));
    const wanted = Object.fromEntries(
      [...replies.keys()].map((phase) => [phase, expected[era][name][phase] ?? 'ok']),
    );
    expect(outcomes).toEqual(wanted);
    const within = name === 'answer of 50 MB' ? longPatience : patience;
    for (const [phase, { milliseconds }] of replies) expect(milliseconds, phase).toBeLessThan(within);
  });
});

describe.concurrent('A proxy that was asleep', () => {
  /** The machine sleeps; meanwhile the server closes its connections, or is started anew. */
  async function sleep({ host, server }: Conversation, forgetful: boolean): Promise<void> {
    host.signal('SIGSTOP');
    if (forgetful) server.forget();
    await server.vanish(100);
    await server.isBack();
    host.signal('SIGCONT');
  }

  test.each([
    ['kept the session', false],
    ['was started anew', true],
  ])('goes on at a server that %s', async (_what, forgetful) => {
    const conversation = await Conversation.start('legacy');
    await conversation.host.greet();
    await conversation.goesOn();
    await sleep(conversation, forgetful);
    await conversation.goesOn();
    expect((await conversation.call(false)).error).toBeUndefined();
    await conversation.end();
  });

  test('has the answer to the call that was under way', async () => {
    const conversation = await Conversation.start('legacy');
    const { host, server } = conversation;
    await host.greet();
    server.plan(
      { respond: () => undefined, interrupt: faults['connection that has gone dead'].interrupt },
      'tools/call',
    );
    const call = conversation.call(true);
    await host.hearsOf('notifications/progress');
    await sleep(conversation, false);
    expect((await call).error).toBeUndefined();
    await conversation.end();
  });
});
