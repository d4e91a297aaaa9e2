import type { RememberedFacts, ServerMemory } from '../../src/bridge/remembered-server.ts';
import type { JsonObject } from '../../src/bridge/message.ts';

/** A memory of a server that lives as long as the test. */
export function remembering(
  facts: RememberedFacts = {},
): ServerMemory & { readonly pages: [method: string, cursor: string, result: JsonObject][] } {
  const pages: [string, string, JsonObject][] = [];
  let known = facts;
  return {
    pages,
    facts: () => Promise.resolve(known),
    rememberEra: (era) => (known = { ...known, era }),
    rememberGreeting: (era, result) =>
      (known = { ...known, greetings: { ...known.greetings, [era]: result } }),
    rememberPage: (method, cursor, result) => void pages.push([method, cursor, result]),
    flush: () => Promise.resolve(),
  };
}
