import type { McpHost } from './mcp-host.ts';
import type { ScenarioContext } from './proxy-flags.ts';

type Conversation = (host: McpHost, context: ScenarioContext) => Promise<void>;
type Tools = Awaited<ReturnType<McpHost['listTools']>>;

/** The proxy's own tool, alone in the list as long as nobody is signed in. */
const signIn = 'sign_in';

/**
 * The server's tools. A host that is given the sign-in tool calls it, and asks again.
 *
 * @throws Error when nobody could be signed in
 */
async function serverTools(host: McpHost): Promise<Tools> {
  const tools = await host.listTools();
  if (tools.length !== 1 || tools[0]?.name !== signIn) return tools;
  if (await host.callTool(signIn, {})) return host.listTools();
  // Why, the proxy has told the user; to the host it says so when the server is needed.
  await host.callTool('any', {});
  throw new Error('A tool was called at the server although the sign-in has failed.');
}

/** Lists the tools and calls each; the numbers are for the one that adds. */
const callAll: Conversation = async (host) => {
  for (const { name } of await serverTools(host)) await host.callTool(name, { a: 2, b: 3 });
};

/** Only lists the tools. */
const list: Conversation = async (host) => {
  await serverTools(host);
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
  'json-schema-ref-no-deref': list,
  'request-metadata': list,
};

/** Plays the host's part in a scenario. */
export async function converse(scenario: string, host: McpHost, context: ScenarioContext): Promise<void> {
  await host.connect();
  await (conversations[scenario] ?? callAll)(host, context);
}
