import type { McpHost } from './mcp-host.ts';
import type { ScenarioContext } from './proxy-flags.ts';

type Conversation = (host: McpHost, context: ScenarioContext) => Promise<void>;

/** Lists the tools and calls each; the numbers are for the one that adds. */
const callAll: Conversation = async (host) => {
  for (const { name } of await host.listTools()) await host.callTool(name, { a: 2, b: 3 });
};

/** What the host does in the scenarios that expect more, or less, than that every tool is called once. */
const conversations: Readonly<Record<string, Conversation>> = {
  'http-standard-headers': async (host, context) => {
    await callAll(host, context);
    for (const uri of await host.listResources()) await host.readResource(uri);
    for (const name of await host.listPrompts()) await host.getPrompt(name);
  },
  'http-custom-headers': async (host, { toolCalls = [] }) => {
    await host.listTools();
    for (const { name, arguments: args } of toolCalls) await host.callTool(name, args);
  },
  'json-schema-2020-12-preservation': async (host) => {
    const tools = await host.listTools();
    const seen = tools.find(({ name }) => name === 'json_schema_2020_12_tool');
    await host.callTool('json_schema_echo', { schema: seen?.inputSchema });
  },
  'json-schema-ref-no-deref': async (host) => {
    await host.listTools();
  },
  'request-metadata': async (host) => {
    await host.listTools();
  },
};

/** Plays the host's part in a scenario. */
export async function converse(scenario: string, host: McpHost, context: ScenarioContext): Promise<void> {
  await host.connect();
  await (conversations[scenario] ?? callAll)(host, context);
}
