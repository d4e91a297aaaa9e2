import type { JSONRPCRequest, JSONRPCResultResponse } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { createToolFilter } from '../src/bridge/tool-filter.ts';

const call = (name: unknown): JSONRPCRequest => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name, arguments: {} },
});
const list: JSONRPCRequest = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const answer = (...names: string[]): JSONRPCResultResponse => ({
  jsonrpc: '2.0',
  id: 1,
  result: { tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })), nextCursor: 'next' },
});

describe('createToolFilter', () => {
  it('is nothing when nothing is to be hidden', () => {
    expect(createToolFilter([], [])).toBeUndefined();
  });

  it.each([
    ['ignored by name', ['delete'], [], ['get_name', 'delete_all']],
    ['ignored by glob', ['delete*'], [], ['get_name']],
    ['allowed alone', [], ['get_*'], ['get_name']],
    ['allowed and yet ignored', ['get_*'], ['get_*', 'delete'], ['delete']],
  ])('hides tools %s, and keeps the rest of the answer', (_how, ignored, allowed, visible) => {
    const filter = createToolFilter(ignored, allowed);
    expect(filter?.filtered(list, answer('get_name', 'delete', 'delete_all'))).toEqual(answer(...visible));
  });

  it('refuses the calls of hidden tools and lets the others pass', () => {
    const filter = createToolFilter(['delete*'], []);
    expect(filter?.refused(call('delete_all'))).toBe('delete_all');
    expect(filter?.refused(call('get_name'))).toBeUndefined();
  });

  it('refuses a call that names no tool, which no rule could judge', () => {
    expect(createToolFilter(['delete*'], [])?.refused(call(undefined))).toBe('undefined');
  });

  it('touches no other method', () => {
    const filter = createToolFilter(['*'], []);
    const prompts: JSONRPCResultResponse = { jsonrpc: '2.0', id: 1, result: { prompts: [{ name: 'x' }] } };
    expect(filter?.filtered({ ...list, method: 'prompts/list' }, prompts)).toBe(prompts);
    expect(filter?.refused({ ...list, method: 'prompts/get', params: { name: 'x' } })).toBeUndefined();
  });
});
