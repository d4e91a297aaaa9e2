import { describe, expect, it } from 'vitest';
import { Message, type JsonObject } from '../src/bridge/message.ts';
import type { RequestContext, ServerSide } from '../src/bridge/server-side.ts';
import { createToolFilter, type ToolRules } from '../src/bridge/tool-filter.ts';

const all: readonly JsonObject[] = [
  { name: 'get_name', inputSchema: {}, annotations: { readOnlyHint: true } },
  { name: 'delete', inputSchema: {}, annotations: { readOnlyHint: false } },
  { name: 'delete_all', inputSchema: {} },
];
const context: RequestContext = { signal: new AbortController().signal, onMessage: () => undefined };

/** A server with three tools on two pages, behind a filter. */
function filtered(rules: Partial<ToolRules>) {
  const reached: Message[] = [];
  const inner: ServerSide = {
    request: (message) => {
      reached.push(message);
      const isSecond = message.params['cursor'] === 'second';
      const page = isSecond ? { tools: all.slice(2) } : { tools: all.slice(0, 2), nextCursor: 'second' };
      const result = message.method === 'tools/list' ? page : { content: [] };
      return Promise.resolve(Message.result(message.id ?? '', result));
    },
    notify: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const filter = createToolFilter({ ignoreTools: [], allowTools: [], readOnly: false, ...rules });
  const side = filter.applied(inner);
  return {
    filter,
    reached,
    list: async (cursor?: string) => {
      const params = cursor === undefined ? {} : { cursor };
      const { result } = await side.request(Message.request(1, 'tools/list', params), context);
      return (result?.['tools'] as { name: string }[]).map(({ name }) => name);
    },
    call: async (name: unknown, params: JsonObject = {}) => {
      const answer = await side.request(Message.request(2, 'tools/call', { name, ...params }), context);
      return (answer.error?.data as { code?: string } | undefined)?.code ?? 'passed';
    },
    request: (method: string, params: JsonObject) =>
      side.request(Message.request(3, method, params), context),
  };
}

describe('a tool filter', () => {
  it.each([
    ['ignored by name', { ignoreTools: ['delete'] }, ['get_name'], ['delete_all']],
    ['ignored by glob', { ignoreTools: ['delete*'] }, ['get_name'], []],
    ['not allowed', { allowTools: ['get_*'] }, ['get_name'], []],
    ['allowed and yet ignored', { allowTools: ['get_*', 'delete'], ignoreTools: ['get_*'] }, ['delete'], []],
    ['that may change something', { readOnly: true }, ['get_name'], []],
    ['that are read-only but ignored', { readOnly: true, ignoreTools: ['get_*'] }, [], []],
  ])('hides tools %s from every page, and refuses their calls', async (_how, rules, first, second) => {
    const { list, call, filter } = filtered(rules);
    expect(await list()).toEqual(first);
    expect(await list('second')).toEqual(second);
    const visible = new Set<unknown>([...first, ...second]);
    for (const { name } of all) expect(await call(name)).toBe(visible.has(name) ? 'passed' : 'tool-hidden');
    expect(filter.visible(all).map((tool) => (tool as JsonObject)['name'])).toEqual([...visible]);
  });

  it('asks for the list before it judges a call under --read-only, once', async () => {
    const { call, reached } = filtered({ readOnly: true });
    expect(await call('delete_all')).toBe('tool-hidden');
    expect(await call('get_name')).toBe('passed');
    expect(reached.map(({ method }) => method)).toEqual(['tools/list', 'tools/list', 'tools/call']);
  });

  it('asks in the era of the call', async () => {
    const { call, reached } = filtered({ readOnly: true });
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    await call('get_name', { _meta });
    expect(reached.map(({ meta }) => meta)).toEqual([_meta, _meta, _meta]);
  });

  it('refuses a call that names no tool, which no rule could judge', async () => {
    expect(await filtered({ ignoreTools: ['delete*'] }).call(undefined)).toBe('tool-hidden');
  });

  it('touches no other method', async () => {
    const { request, reached } = filtered({ ignoreTools: ['*'], readOnly: true });
    await request('prompts/get', { name: 'delete' });
    expect(reached[0]?.method).toBe('prompts/get');
  });
});
