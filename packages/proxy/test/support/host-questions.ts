import { expect } from 'vitest';
import { objectOf, type JsonObject } from '../../src/bridge/message.ts';
import type { Work } from './legacy-side.ts';

export const form = { message: 'Your name?', requestedSchema: { type: 'object', properties: {} } };

/** A tool that asks for a name and answers with what it got. */
export const asksOnce: Work = async ({ ask }) => {
  const { result, error } = await ask('q', 'elicitation/create', form);
  return { content: [], structuredContent: { result, error } };
};

/** The result that asks the host, as far as tests look at it. */
export function questionsIn(result: JsonObject): { handle: string; keys: string[]; questions: unknown[] } {
  expect(result['resultType']).toBe('input_required');
  const requests = objectOf(result['inputRequests']);
  return {
    handle: result['requestState'] as string,
    keys: Object.keys(requests),
    questions: Object.values(requests),
  };
}
