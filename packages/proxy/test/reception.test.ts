import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Message, type JsonObject } from '../src/bridge/message.ts';
import { Reception } from '../src/bridge/reception.ts';
import type { RememberedFacts } from '../src/bridge/remembered-server.ts';
import type { RequestContext, ServerSide } from '../src/bridge/server-side.ts';
import { errors } from '../src/errors.ts';
import type { EndpointDelay } from '../src/http/endpoint.ts';
import { Listeners } from '../src/listeners.ts';
import { SignInNotice } from '../src/sign-in-notice.ts';
import { recordedLog } from './support/recorded-log.ts';
import { remembering } from './support/remembering.ts';

const server = new URL('https://mcp.example.com/mcp');
const page = new URL('https://auth.example.com/authorize?state=1');
const clientInfo = { name: 'host', version: '1' };
const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': clientInfo,
  'io.modelcontextprotocol/clientCapabilities': {},
};
const tools = [{ name: 'get_name', inputSchema: { type: 'object' } }];
const serverInfo = { name: 'the server', version: '1' };
const truth = { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo };

/** A server behind a reception: what reaches it, and when it answers, is the test's to say. */
function reception(facts: RememberedFacts = {}, results: Record<string, JsonObject> = {}) {
  const log = recordedLog();
  const notice = new SignInNotice(server, log.log);
  const delays = new Listeners<EndpointDelay>();
  const memory = remembering(facts);
  const toHost: JsonObject[] = [];
  const reached: Message[] = [];
  let letThrough = (): void => undefined;
  let refuse: (error: Error) => void = () => undefined;
  let isOpen: Promise<void>;
  const shut = (): void => {
    isOpen = new Promise((resolve, reject) => {
      letThrough = resolve;
      refuse = reject;
    });
    isOpen.catch(() => undefined);
  };
  shut();
  const inner: ServerSide = {
    request: async (message, { signal }) => {
      await Promise.race([
        isOpen,
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason);
          });
        }),
      ]);
      reached.push(message);
      const result = results[message.method ?? ''] ?? (message.method === 'tools/list' ? { tools } : truth);
      return Message.result(message.id ?? '', result);
    },
    notify: (message) => {
      reached.push(message);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  const onMessage = (message: Message): void => void toHost.push(message.json);
  const desk = new Reception(inner, { server, memory, notice, delays, onMessage, log: log.log });
  const context: RequestContext = { signal: new AbortController().signal, onMessage };
  const ask = async (id: number, method: string, params: JsonObject = {}): Promise<JsonObject> =>
    (await desk.request(Message.request(id, method, params), context)).json;
  return {
    ask,
    desk,
    context,
    notice,
    delays,
    memory,
    toHost,
    reached: () => reached.map(({ method }) => method),
    open: () => {
      letThrough();
    },
    fail: (error: Error) => {
      refuse(error);
      shut();
    },
  };
}

const greet = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
/** Lets everything that can happen without time passing happen. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a host at a server that answers', () => {
  it('gets the server’s own answers, and nothing else is asked or said', async () => {
    const { ask, open, reached, toHost, memory } = reception();
    open();
    expect(await ask(1, 'initialize', greet)).toEqual({ jsonrpc: '2.0', id: 1, result: truth });
    expect((await ask(2, 'tools/list'))['result']).toEqual({ tools });
    expect(reached()).toEqual(['initialize', 'tools/list']);
    expect(toHost).toEqual([]);
    expect(memory.pages).toEqual([['tools/list', '', { tools }]]);
    expect((await memory.facts()).greetings?.legacy).toEqual(truth);
  });
});

describe('a host that is not signed in, the first time', () => {
  it('is greeted at once, with the address and the tool that signs in', async () => {
    const { ask, notice } = reception();
    const greeting = ask(1, 'initialize', greet);
    await settle();
    notice.show(page);
    const { result } = (await greeting) as { result: { instructions: string; protocolVersion: string } };
    expect(result.protocolVersion).toBe('2025-11-25');
    expect(result.instructions).toContain(page.href);
    const list = (await ask(2, 'tools/list'))['result'] as { tools: { name: string; description: string }[] };
    expect(list.tools.map(({ name }) => name)).toEqual(['sign_in']);
    expect(list.tools[0]?.description).toContain(page.href);
    expect((await ask(3, 'prompts/list'))['result']).toEqual({ prompts: [] });
    expect((await ask(4, 'ping'))['result']).toEqual({});
  });

  it('is told when the lists are there, and what it said meanwhile reaches the server', async () => {
    const { ask, desk, notice, open, toHost, reached } = reception();
    const greeting = ask(1, 'initialize', greet);
    await settle();
    notice.show(page);
    await greeting;
    await desk.notify(Message.notification('notifications/initialized'));
    await ask(2, 'tools/list');
    open();
    notice.clear();
    await settle();
    expect(toHost).toEqual([{ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: {} }]);
    expect(reached()).toEqual(['initialize', 'notifications/initialized', 'tools/list']);
    expect((await ask(3, 'tools/list'))['result']).toEqual({ tools });
    // The placeholder has promised prompts, which this server has not.
    expect((await ask(4, 'prompts/list'))['result']).toEqual({ prompts: [] });
  });

  it('waits for the sign-in with a call, which then goes on', async () => {
    const { ask, notice, open, reached } = reception();
    const greeting = ask(1, 'initialize', greet);
    await settle();
    notice.show(page);
    await greeting;
    const call = ask(2, 'tools/call', { name: 'get_name' });
    await vi.advanceTimersByTimeAsync(44_000);
    open();
    notice.clear();
    expect(await call).toHaveProperty('result');
    expect(reached()).toEqual(['initialize', 'tools/call']);
  });

  it('does not wait longer than hosts do, and says where to sign in; the call is not made later', async () => {
    const { ask, notice, open, reached } = reception();
    const greeting = ask(1, 'initialize', greet);
    await settle();
    notice.show(page);
    await greeting;
    const call = ask(2, 'tools/call', { name: 'get_name' });
    const refused = expect(call).rejects.toMatchObject({ code: 'sign-in-needed' });
    await vi.advanceTimersByTimeAsync(45_000);
    await refused;
    await expect(call).rejects.toThrow(page.href);
    open();
    await settle();
    expect(reached()).toEqual(['initialize']);
  });

  it('hears why a sign-in failed, and the next call tries again', async () => {
    const { ask, notice, open, fail } = reception();
    const greeting = ask(1, 'initialize', greet);
    await settle();
    notice.show(page);
    await greeting;
    const call = ask(2, 'tools/call', { name: 'get_name' });
    const refused = expect(call).rejects.toMatchObject({ code: 'sign-in-refused' });
    fail(errors.signInRefused(server, { error: 'access_denied' }));
    notice.clear();
    await refused;
    const list = (await ask(3, 'tools/list'))['result'] as { tools: { description: string }[] };
    expect(list.tools[0]?.description).toContain('access_denied');
    open();
    expect(await ask(4, 'tools/call', { name: 'get_name' })).toHaveProperty('result');
  });
});

describe('a host at a server that is remembered', () => {
  const facts = {
    greetings: { legacy: { ...truth, instructions: 'Be kind.' } },
    lists: { 'tools/list': { '': { tools } } },
  };

  it('is greeted and given the lists as they were, while nobody has signed in', async () => {
    const { ask, notice } = reception(facts);
    const greeting = ask(1, 'initialize', greet);
    await settle();
    notice.show(page);
    const { result } = (await greeting) as { result: { instructions: string } };
    expect(result).toMatchObject({ serverInfo, capabilities: { tools: {} } });
    expect(result.instructions).toMatch(/^Be kind\.\n\nYou are not signed in/u);
    expect((await ask(2, 'tools/list'))['result']).toEqual({ tools });
  });

  it('is greeted at once when the server cannot be reached, and calls wait for it', async () => {
    const { ask, delays, open } = reception(facts);
    const greeting = ask(1, 'initialize', greet);
    await settle();
    delays.emit('unreachable');
    expect((await greeting)['result']).toEqual(facts.greetings.legacy);
    const call = ask(2, 'tools/call', { name: 'get_name' });
    open();
    expect(await call).toHaveProperty('result');
  });

  it('is told nothing when the lists are as they were', async () => {
    const { ask, notice, open, toHost, reached } = reception(facts);
    const greeting = ask(1, 'initialize', greet);
    await settle();
    notice.show(page);
    await greeting;
    await ask(2, 'tools/list');
    open();
    await settle();
    expect(reached()).toContain('tools/list');
    expect(toHost).toEqual([]);
  });

  it('is told when the lists are others', async () => {
    const { ask, notice, open, toHost } = reception(facts, { 'tools/list': { tools: [] } });
    const greeting = ask(1, 'initialize', greet);
    await settle();
    notice.show(page);
    await greeting;
    await ask(2, 'tools/list');
    open();
    await settle();
    expect(toHost.map(({ method }) => method)).toEqual(['notifications/tools/list_changed']);
  });
});

describe('a host at a server that is slow', () => {
  it('is greeted after five seconds, and its lists wait for the server', async () => {
    const { ask, open } = reception();
    const greeting = ask(1, 'initialize', greet);
    await vi.advanceTimersByTimeAsync(4_999);
    let isGreeted = false;
    void greeting.then(() => (isGreeted = true));
    await settle();
    expect(isGreeted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(((await greeting)['result'] as JsonObject)['instructions']).toContain('has not answered yet');
    const list = ask(2, 'tools/list');
    await vi.advanceTimersByTimeAsync(15_000);
    open();
    expect((await list)['result']).toEqual({ tools });
  });

  it('is told that it cannot be reached, if nothing is known of it', async () => {
    const { ask, delays, fail } = reception();
    const greeting = ask(1, 'initialize', greet);
    const refused = expect(greeting).rejects.toMatchObject({ code: 'server-unreachable' });
    await settle();
    delays.emit('unreachable');
    await vi.advanceTimersByTimeAsync(9_000);
    fail(errors.serverUnreachable(server, 'connect ECONNREFUSED'));
    await refused;
  });
});

describe('a modern host that is not signed in', () => {
  it('is greeted in its own way, and hears through its subscription when the lists are there', async () => {
    const discovered = {
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {} },
    };
    const { ask, notice, open, toHost } = reception({}, { 'server/discover': discovered });
    const greeting = ask(1, 'server/discover', { _meta: modernMeta });
    await settle();
    notice.show(page);
    expect((await greeting)['result']).toMatchObject({
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      instructions: expect.stringContaining(page.href) as string,
    });
    const filter = { toolsListChanged: true };
    void ask(2, 'subscriptions/listen', { _meta: modernMeta, notifications: filter });
    await settle();
    const id = { 'io.modelcontextprotocol/subscriptionId': 2 };
    expect(toHost).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications: filter, _meta: id },
      },
    ]);
    expect((await ask(3, 'tools/list', { _meta: modernMeta }))['result']).toMatchObject({
      resultType: 'complete',
      tools: [{ name: 'sign_in' }],
    });
    open();
    await settle();
    expect(toHost.slice(1)).toEqual([
      { jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: { _meta: id } },
    ]);
  });
});

describe('the tool that signs in', () => {
  const call = { name: 'sign_in', arguments: {} };
  const textOf = (answer: JsonObject): string =>
    ((answer['result'] as JsonObject)['content'] as { text: string }[])[0]?.text ?? '';

  async function signedOut(capabilities: JsonObject = {}) {
    const scene = reception();
    const greeting = scene.ask(1, 'initialize', { ...greet, capabilities });
    await settle();
    scene.notice.show(page);
    await greeting;
    await scene.ask(2, 'tools/list');
    return scene;
  }

  it('says the address where the host cannot show one', async () => {
    const { ask } = await signedOut();
    expect(textOf(await ask(3, 'tools/call', call))).toContain(page.href);
  });

  it('says when the user is signed in, and what the tools are, however late it is called', async () => {
    const { ask, notice, open, reached } = await signedOut();
    open();
    notice.clear();
    const words = `You are signed in to ${server.href}. Its tools are listed now: get_name.`;
    expect(textOf(await ask(3, 'tools/call', call))).toBe(words);
    await ask(4, 'tools/list');
    expect(textOf(await ask(5, 'tools/call', call))).toBe(words);
    expect(reached()).not.toContain('tools/call');
  });

  it('is nobody’s to a host that was not given it', async () => {
    const { ask, open, reached } = reception();
    open();
    await ask(1, 'initialize', greet);
    await ask(2, 'tools/call', call);
    expect(reached()).toEqual(['initialize', 'tools/call']);
  });

  it('has the host show the address where it can, and waits for the sign-in', async () => {
    const { ask, desk, open, toHost } = await signedOut({ elicitation: { url: {} } });
    const answer = ask(3, 'tools/call', call);
    await settle();
    const question = toHost[0] as { id: string; params: JsonObject };
    expect(question).toMatchObject({ method: 'elicitation/create', params: { mode: 'url', url: page.href } });
    await desk.notify(Message.result(question.id, { action: 'accept' }));
    open();
    expect(textOf(await answer)).toContain('You are signed in');
  });

  it('says the address again when the user declines', async () => {
    const { ask, desk, toHost } = await signedOut({ elicitation: { url: {} } });
    const answer = ask(3, 'tools/call', call);
    await settle();
    await desk.notify(Message.result((toHost[0] as { id: string }).id, { action: 'decline' }));
    expect(textOf(await answer)).toContain(page.href);
  });

  it('is an error that says why, when the sign-in fails', async () => {
    const { ask, notice, fail } = await signedOut();
    fail(errors.signInRefused(server, { error: 'access_denied' }));
    notice.clear();
    await settle();
    const answer = ask(3, 'tools/call', call);
    await settle();
    fail(errors.signInRefused(server, { error: 'access_denied' }));
    expect((await answer)['result']).toMatchObject({ isError: true });
    expect(textOf(await answer)).toContain('access_denied');
  });
});
