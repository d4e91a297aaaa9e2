import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';

/** What a scenario needs of an MCP host. */
export interface McpHost {
  connect(): Promise<void>;
  /** The tools, with their input schemas. */
  listTools(): Promise<readonly { readonly name: string; readonly inputSchema: Record<string, unknown> }[]>;
  callTool(name: string, args: Record<string, unknown>): Promise<void>;
  listResources(): Promise<readonly string[]>;
  readResource(uri: string): Promise<void>;
  listPrompts(): Promise<readonly string[]>;
  getPrompt(name: string): Promise<void>;
  /** The proxy's own code in the last JSON-RPC error that it answered with. */
  errorCode(): string | undefined;
  close(): Promise<void>;
}

/** How the host starts the proxy. */
export interface ProxyCommand {
  readonly command: string;
  readonly args: string[];
  readonly env: Record<string, string>;
}

const info = { name: 'conformance-host', version: '1.0.0' };
/** The proxy answers the first request only when the sign-in that it leads to is over. */
const options = { timeout: 40_000 };
/** What the suite's server asks the user for has defaults. */
const capabilities = { elicitation: { form: { applyDefaults: true } } };
const accepted = { action: 'accept' as const, content: {} };

/** A host of the SDK's first line, which speaks the protocol up to 2025-11-25. */
export function legacyHost(proxy: ProxyCommand): McpHost {
  const client = new LegacyClient(info, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, () => accepted);
  const transport = new LegacyStdio({ ...proxy, stderr: 'inherit' });
  return {
    connect: () => client.connect(transport, options),
    callTool: async (name, args) => {
      await client.callTool({ name, arguments: args }, undefined, options);
    },
    errorCode: watchErrors(transport),
    ...commonPart(client),
  };
}

/** The SDK probes through a second process when the transport is exactly its own, and so would sign in twice. */
class ProbedInPlace extends ModernStdio {}

/** A host of the SDK's second line that speaks one modern revision and no other. */
export function modernHost(revision: string, proxy: ProxyCommand): McpHost {
  const versionNegotiation = { mode: { pin: revision } };
  const client = new ModernClient(info, { capabilities, versionNegotiation });
  client.setRequestHandler('elicitation/create', () => accepted);
  const transport = new ProbedInPlace({ ...proxy, stderr: 'inherit' });
  return {
    connect: () => client.connect(transport, options),
    callTool: async (name, args) => {
      await client.callTool({ name, arguments: args }, options);
    },
    errorCode: watchErrors(transport),
    ...commonPart(client),
  };
}

/** What both lines of the SDK have in the same form. */
function commonPart(
  client: LegacyClient | ModernClient,
): Omit<McpHost, 'connect' | 'callTool' | 'errorCode'> {
  return {
    listTools: async () => (await client.listTools(undefined, options)).tools,
    listResources: async () =>
      (await client.listResources(undefined, options)).resources.map(({ uri }) => uri),
    readResource: async (uri) => {
      await client.readResource({ uri }, options);
    },
    listPrompts: async () => (await client.listPrompts(undefined, options)).prompts.map(({ name }) => name),
    getPrompt: async (name) => {
      await client.getPrompt({ name }, options);
    },
    close: () => client.close(),
  };
}

/** The SDK hides the error of a failed probe, so errors are read as they come. */
function watchErrors(transport: LegacyStdio | ModernStdio): () => string | undefined {
  type Listener = NonNullable<typeof transport.onmessage>;
  let listener: Listener | undefined;
  let code: string | undefined;
  const watching = (message: Parameters<Listener>[0]): void => {
    if ('error' in message) code = (message.error.data as { code?: string } | undefined)?.code;
    listener?.(message);
  };
  Object.defineProperty(transport, 'onmessage', {
    get: () => listener && watching,
    set: (next: Listener | undefined) => (listener = next === watching ? listener : next),
  });
  return () => code;
}
