import { fromJsonSchema, type McpServer, type RegisteredTool } from '@modelcontextprotocol/server';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import type { Greetings } from '../greetings.ts';
import { scopedTool } from '../scopes/scoped-tool.ts';
import { SharedStateUnavailable } from '../shared-state/shared-state.ts';

/** The longest greeting, in characters. */
const longest = 60;

const input = fromJsonSchema<{ greeting: string }>({
  type: 'object',
  properties: {
    greeting: { type: 'string', minLength: 1, maxLength: longest, description: 'Such as "Good morning"' },
  },
  required: ['greeting'],
  additionalProperties: false,
});

const answer = fromJsonSchema<{ greeting: string }>({
  type: 'object',
  properties: { greeting: { type: 'string', description: 'The greeting as it was kept' } },
  required: ['greeting'],
  additionalProperties: false,
});

/** Registers the tool `set_greeting`, which writes: with what word `get_name` greets the caller from now on. */
export function registerSetGreeting(server: McpServer, greetings: Greetings): RegisteredTool {
  return server.registerTool(
    'set_greeting',
    {
      ...scopedTool('set_greeting'),
      title: 'Set greeting',
      description: 'Set the word or words with which get_name greets the authenticated user.',
      inputSchema: input,
      outputSchema: answer,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    async (args, { http }) => {
      // Terminals obey control characters. Two UTF-16 units a character, so that none is cut off.
      const greeting = cleanLine(args.greeting, 2 * longest);
      if (greeting === '') return failure('The greeting has no character that can be seen.');
      try {
        await greetings.set(http?.authInfo, greeting);
      } catch (error) {
        if (!(error instanceof SharedStateUnavailable)) throw error;
        return failure('The greeting cannot be kept at the moment. Try again shortly.');
      }
      return {
        content: [{ type: 'text', text: `From now on get_name greets you with "${greeting}".` }],
        structuredContent: { greeting },
      };
    },
  );
}

function failure(text: string): { content: [{ type: 'text'; text: string }]; isError: true } {
  return { content: [{ type: 'text', text }], isError: true };
}
