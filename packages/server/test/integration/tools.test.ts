import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientId } from '../support/fusionauth-stand-in.ts';
import {
  bearer,
  callGetName,
  greetingIn,
  protectedServer,
  type ProtectedServer,
} from '../support/protected-server.ts';
import { hasRedis, RedisServer } from '../support/redis-server.ts';
import { eventsOf, nextMessage } from '../support/session-client.ts';
import { messagesOf, resultOf, ways, type Sender } from '../support/ways.ts';

const initial = 'openid profile get_name';
const call = (name: string, args: object = {}): [string, object] => ['tools/call', { name, arguments: args }];
const textIn = (result: Record<string, unknown>): string =>
  (result['content'] as { text: string }[] | undefined)?.[0]?.text ?? JSON.stringify(result);

describe.each(Object.entries(ways))('a tool, called in the way %s,', (wayName, way) => {
  let running: ProtectedServer;
  beforeAll(async () => {
    running = await protectedServer();
  });
  afterAll(async () => {
    await running[Symbol.asyncDispose]();
  });

  /** Someone with a token of these scopes. */
  async function someone(scope: string, sub = crypto.randomUUID()): Promise<Sender> {
    return way(running.endpoint, await running.fusionAuth.token({ scope, sub }));
  }

  it.each([initial, 'openid'])('is listed with its scopes for a token with %s', async (scope) => {
    const send = await someone(scope);
    const { tools } = await resultOf(await send('tools/list'));
    expect(tools).toMatchObject(
      ['get_name', 'set_greeting', 'countdown'].map((name) => ({
        name,
        _meta: { 'mcp-keyhole/scopes': [name] },
      })),
    );
  });

  it.each([
    ['get_name', 'openid profile', 'openid profile get_name'],
    ['set_greeting', initial, `${initial} set_greeting`],
    ['countdown', `${initial} offline_access set_greeting`, `${initial} set_greeting countdown`],
    ['countdown', '', 'countdown'],
  ])('%s with a token for "%s" is challenged for "%s"', async (name, scope, challenged) => {
    const send = await someone(scope);
    running.lines.length = 0;
    const response = await send(...call(name, { greeting: 'Ahoy' }));
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: 'insufficient_scope' });
    const metadata = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp';
    const challenge = response.headers.get('www-authenticate');
    expect(challenge).toMatch(/^Bearer error="insufficient_scope", error_description="[^"]+", /u);
    expect(challenge).toContain(`, scope="${challenged}", resource_metadata="${metadata}"`);
    expect(running.entries('access token refused')).toMatchObject([
      { status: 403, reason: 'insufficient_scope', scope, challenged, tool: name },
    ]);
    expect(running.entries('tool called')).toEqual([]);
    expect(running.entries('audit')).toMatchObject([
      { audit: true, tool: name, clientId, address: '127.0.0.1', outcome: 'insufficient_scope' },
    ]);
    // Nothing is lost by it: the same client goes on.
    expect((await send('tools/list')).status).toBe(200);
  });

  it('set_greeting changes how get_name greets the same user, and no other', async () => {
    const scope = `${initial} set_greeting`;
    const [send, other] = [await someone(scope), await someone(initial)];
    expect(textIn(await resultOf(await send(...call('get_name'))))).toBe('Hello, Test User!');
    for (const greeting of ['Ahoy', 'Good morning']) {
      const set = await resultOf(await send(...call('set_greeting', { greeting })));
      expect(set).toMatchObject({ structuredContent: { greeting } });
      expect(textIn(await resultOf(await send(...call('get_name'))))).toBe(`${greeting}, Test User!`);
    }
    expect(textIn(await resultOf(await other(...call('get_name'))))).toBe('Hello, Test User!');
  });

  it.each([
    [{}],
    [{ greeting: 7 }],
    [{ greeting: '' }],
    [{ greeting: 'x'.repeat(61) }],
    [{ greeting: '\u202e\u001b[2J ' }],
    [{ greeting: 'Ahoy', of: 'somebody else' }],
  ])('set_greeting refuses %j and says so', async (args) => {
    const send = await someone(`${initial} set_greeting`);
    const result = await resultOf(await send(...call('set_greeting', args)));
    expect(result).toMatchObject({ isError: true });
    expect(textIn(result)).toMatch(/greeting|additional properties/u);
    expect(textIn(await resultOf(await send(...call('get_name'))))).toBe('Hello, Test User!');
  });

  it('set_greeting keeps what can be seen, of any script', async () => {
    const send = await someone(`${initial} set_greeting`);
    const ask = async (greeting: string): Promise<unknown> =>
      (await resultOf(await send(...call('set_greeting', { greeting }))))['structuredContent'];
    expect(await ask('\u001b[31mGuten\n\u200bTag ')).toEqual({ greeting: 'Guten Tag' });
    expect(await ask('🦜'.repeat(60))).toEqual({ greeting: '🦜'.repeat(60) });
  });

  it('countdown streams its numbers to who asks for progress, then answers', async () => {
    const send = await someone('countdown');
    const [method, params] = call('countdown', { from: 3, pause: 1 });
    const messages = await messagesOf(await send(method, { ...params, _meta: { progressToken: 'p' } }));
    expect(messages.slice(0, -1)).toEqual(
      ['3', '2', '1', '0'].map((message, progress) => ({
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: expect.objectContaining({ progressToken: 'p', progress, total: 3, message }) as object,
      })),
    );
    expect(messages.at(-1)).toMatchObject({ id: 1, result: { structuredContent: { counted: 3 } } });
    const silent = await messagesOf(await send(method, params));
    expect(silent).toMatchObject([{ id: 1, result: { structuredContent: { counted: 3 } } }]);
  });

  it.each([[{ from: 0 }], [{ from: 31 }], [{ from: 2.5 }], [{ pause: 1_001 }], [{ pause: 0 }], [{ to: 3 }]])(
    'countdown refuses %j',
    async (args) => {
      const send = await someone('countdown');
      expect(await resultOf(await send(...call('countdown', args)))).toMatchObject({ isError: true });
    },
  );

  it('countdown ends when the request is cancelled', async () => {
    const send = await someone('countdown');
    running.lines.length = 0;
    const cut = new AbortController();
    const [method, params] = call('countdown', { from: 30 });
    const response = await send(method, { ...params, _meta: { progressToken: 'p' } }, cut.signal);
    expect((await nextMessage(eventsOf(response))).message).toMatchObject({ params: { message: '30' } });
    // In a session a cut connection is no reason to stop, but this notification is.
    if (wayName === 'legacy session') await send('notifications/cancelled', { requestId: 1 });
    cut.abort();
    await expect
      .poll(() => running.entries('tool called'))
      .toMatchObject([{ tool: 'countdown', outcome: 'cancelled' }]);
  });

  it('is hidden, and unknown, when the metadata does not offer its scope', async () => {
    await using reduced = await protectedServer({ env: { SCOPES_SUPPORTED: initial } });
    const token = await reduced.fusionAuth.token({ scope: `${initial} set_greeting` });
    const send = await way(reduced.endpoint, token);
    expect((await resultOf(await send('tools/list')))['tools']).toMatchObject([{ name: 'get_name' }]);
    const response = await send(...call('set_greeting', { greeting: 'Ahoy' }));
    expect(response.status).not.toBe(403);
    expect((await messagesOf(response)).at(-1)).toMatchObject({ error: { code: -32_602 } });
  });
});

describe('scopes', () => {
  it.each([
    ['openid profile get_name set_greeting', 'openid profile get_name'],
    ['get_name,countdown', 'get_name'],
    ['set_greeting', undefined],
  ])('%s are offered by the metadata, and %s asked for at first', async (offered, asked) => {
    await using running = await protectedServer({ env: { SCOPES_SUPPORTED: offered } });
    const metadata = await fetch(new URL('/.well-known/oauth-protected-resource/mcp', running.endpoint));
    expect(await metadata.json()).toMatchObject({ scopes_supported: offered.split(/[ ,]/u) });
    const challenge = (await callGetName(running.endpoint)).headers.get('www-authenticate') ?? '';
    expect(/\bscope="([^"]*)"/u.exec(challenge)?.[1]).toBe(asked);
  });
});

describe.skipIf(!hasRedis)('greetings on several nodes', () => {
  it('are seen by each, and without Redis are refused when set and common when read', async () => {
    await using redis = await RedisServer.start();
    const env = { REDIS_URL: redis.url };
    await using first = await protectedServer({ env });
    await using second = await protectedServer({ env, fusionAuth: first.fusionAuth });
    const token = await first.fusionAuth.token({ scope: `${initial} set_greeting` });
    const send = await ways.modern(first.endpoint, token);
    const set = async (): Promise<Record<string, unknown>> =>
      resultOf(await send(...call('set_greeting', { greeting: 'Ahoy' })));
    expect(await set()).toMatchObject({ structuredContent: { greeting: 'Ahoy' } });
    const read = async (): Promise<string> => greetingIn(await callGetName(second.endpoint, bearer(token)));
    expect(await read()).toBe('Ahoy, Test User!');
    await redis.stop();
    const refused = await set();
    expect(refused).toMatchObject({ isError: true });
    expect(textIn(refused)).toContain('Try again shortly');
    expect(await read()).toBe('Hello, Test User!');
    expect(second.entries('the greeting cannot be read; using the common one')).toHaveLength(1);
  });
});
