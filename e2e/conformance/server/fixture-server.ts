import { randomBytes } from 'node:crypto';
import {
  createRequestStateCodec,
  InMemoryServerEventBus,
  McpServer,
  type McpServerFactory,
  type ServerEventBus,
} from '@modelcontextprotocol/server';
import { registerAskingTools } from './asking-tools.ts';
import { registerChangingTools } from './changing-tools.ts';
import { registerContentTools } from './content-tools.ts';
import { registerPrompts } from './prompts.ts';
import { registerResources } from './resources.ts';
import { registerStreamingTools } from './streaming-tools.ts';

/** What the suite's server scenarios look for: tools, prompts and resources by the names that their descriptions give. */
export interface FixtureServer {
  readonly createMcpServer: McpServerFactory;
  /** Where it says what has changed. */
  readonly changes: ServerEventBus;
}

export function fixtureServer(): FixtureServer {
  const changes = new InMemoryServerEventBus();
  // A request that is made again must come from who made it first (MCP 2026-07-28, multi round-trip requests).
  const states = createRequestStateCodec<string>({
    key: randomBytes(32),
    bind: ({ mcpReq, http }) => JSON.stringify([mcpReq.method, http?.authInfo?.clientId]),
  });
  const createMcpServer: McpServerFactory = () => {
    const server = new McpServer(
      { name: 'conformance-fixtures', version: '1.0.0' },
      {
        capabilities: {
          completions: {},
          logging: {},
          prompts: { listChanged: true },
          resources: { listChanged: true, subscribe: true },
          tools: { listChanged: true },
        },
        requestState: { verify: (state, context) => states.verify(state, context) },
      },
    );
    registerContentTools(server);
    registerStreamingTools(server);
    registerAskingTools(server, states);
    registerChangingTools(server, changes);
    registerPrompts(server);
    registerResources(server);
    return server;
  };
  return { createMcpServer, changes };
}
