import { setTimeout as delay } from 'node:timers/promises';
import type { McpServer } from '@modelcontextprotocol/server';
import { said } from './content.ts';

/** Milliseconds between two notifications: the scenarios want to see them come one by one. */
const pause = 50;

/** Tools that send something before they answer. */
export function registerStreamingTools(server: McpServer): void {
  server.registerTool(
    'test_tool_with_logging',
    { description: 'Logs while it works' },
    async ({ mcpReq }) => {
      for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- what clients of 2025-11-25 are to receive
        await mcpReq.log('info', data);
        await delay(pause);
      }
      return said('Three messages were logged.');
    },
  );
  server.registerTool(
    'test_logging_tool',
    { description: 'Logs where the client wants it' },
    async ({ mcpReq }) => {
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- that it is not sent unasked is what is tested
      await mcpReq.log('info', 'A word for those who set a level');
      return said('Done.');
    },
  );
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Says how far it is' },
    async ({ mcpReq }) => {
      const { progressToken } = mcpReq._meta ?? {};
      for (const progress of [0, 50, 100]) {
        if (progressToken !== undefined) {
          const params = { progressToken, progress, total: 100 };
          await mcpReq.notify({ method: 'notifications/progress', params });
        }
        if (progress < 100) await delay(pause);
      }
      return said('All done.');
    },
  );
  server.registerTool(
    'test_reconnection',
    { description: 'Closes the stream before it answers (SEP-1699)' },
    async ({ http }) => {
      http?.closeSSE?.();
      await delay(2 * pause);
      return said('The answer came on another stream.');
    },
  );
}
