import type { McpServer, ServerEventBus } from '@modelcontextprotocol/server';
import { said } from './content.ts';

/** Tools that say that a list has changed, to everyone who listens. */
export function registerChangingTools(server: McpServer, changes: ServerEventBus): void {
  const triggers = {
    test_trigger_tool_change: 'tools_list_changed',
    test_trigger_prompt_change: 'prompts_list_changed',
  } as const;
  for (const [name, kind] of Object.entries(triggers)) {
    server.registerTool(name, { description: `Publishes ${kind}` }, () => {
      changes.publish({ kind });
      return said('Published.');
    });
  }
}
