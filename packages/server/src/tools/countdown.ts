import { setTimeout as delay } from 'node:timers/promises';
import { fromJsonSchema, type McpServer, type RegisteredTool } from '@modelcontextprotocol/server';
import { scopedTool } from '../scopes/scoped-tool.ts';

/** From where to count, at most, and milliseconds between two numbers, at most: half a minute in all. */
const most = { from: 30, pause: 1_000 };

const input = fromJsonSchema<{ from?: number; pause?: number }>({
  type: 'object',
  properties: {
    from: { type: 'integer', minimum: 1, maximum: most.from, default: 5, description: 'The first number' },
    pause: {
      type: 'integer',
      minimum: 1,
      maximum: most.pause,
      default: most.pause,
      description: 'Milliseconds between two numbers',
    },
  },
  additionalProperties: false,
});

const answer = fromJsonSchema<{ counted: number }>({
  type: 'object',
  properties: { counted: { type: 'integer', description: 'From where it has counted to zero' } },
  required: ['counted'],
  additionalProperties: false,
});

/**
 * Registers the tool `countdown`, which streams: it sends each number as a progress notification to who asks for those, and
 * ends when the request is cancelled.
 */
export function registerCountdown(server: McpServer): RegisteredTool {
  return server.registerTool(
    'countdown',
    {
      ...scopedTool('countdown'),
      title: 'Countdown',
      description: 'Count down to zero, reporting each number as progress.',
      inputSchema: input,
      outputSchema: answer,
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ from = 5, pause = most.pause }, { mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken;
      for (let number = from; number >= 0; number -= 1) {
        if (progressToken !== undefined) {
          const params = { progressToken, progress: from - number, total: from, message: String(number) };
          await mcpReq.notify({ method: 'notifications/progress', params });
        }
        if (number > 0) await delay(pause, undefined, { signal: mcpReq.signal });
      }
      return {
        content: [{ type: 'text', text: `Counted down from ${from}.` }],
        structuredContent: { counted: from },
      };
    },
  );
}
