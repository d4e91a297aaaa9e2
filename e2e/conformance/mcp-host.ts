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
  /** Whether the tool did what it is for; otherwise its result is an error. */
  callTool(name: string, args: Record<string, unknown>): Promise<boolean>;
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

/**
 * The hosts that each scenario is played with: one of the SDK's first line, which speaks the protocol up to 2025-11-25, and
 * two of its second line, of which one speaks 2026-07-28 and nothing else, and the other whatever the server does.
 */
export type HostKind = 'legacy' | 'pinned' | 'auto';

const info = { name: 'conformance-host', version: '1.0.0' };
const options = { timeout: 40_000 };
/** What the suite's server asks the user for has defaults; the addresses that the proxy shows are opened anyhow. */
const capabilities = { elicitation: { form: { applyDefaults: true }, url: {} } };

export function mcpHost(kind: HostKind, proxy: ProxyCommand): McpHost {
  return kind === 'legacy' ? legacyHost(proxy) : modernHost(kind, proxy);
}

function legacyHost(proxy: ProxyCommand): McpHost {
  const client = new LegacyClient(info, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => accept(params));
  const transport = new LegacyStdio({ ...proxy, stderr: 'inherit' });
  return {
    connect: () => client.connect(transport, options),
    callTool: async (name, args) =>
      (await client.callTool({ name, arguments: args }, undefined, options)).isError !== true,
    errorCode: watchErrors(transport),
    ...commonPart(client),
  };
}

/** The SDK probes through a second process when the transport is exactly its own, and so would sign in twice. */
class ProbedInPlace extends ModernStdio {}

function modernHost(kind: 'pinned' | 'auto', proxy: ProxyCommand): McpHost {
  const mode = kind === 'auto' ? kind : { pin: '2026-07-28' };
  const client = new ModernClient(info, { capabilities, versionNegotiation: { mode } });
  client.setRequestHandler('elicitation/create', ({ params }) => accept(params));
  const transport = new ProbedInPlace({ ...proxy, stderr: 'inherit' });
  return {
    connect: () => client.connect(transport, options),
    callTool: async (name, args) =>
      (await client.callTool({ name, arguments: args }, options)).isError !== true,
    errorCode: watchErrors(transport),
    ...commonPart(client),
  };
}

function accept({ mode }: { readonly mode?: string | undefined }): {
  action: 'accept';
  content?: Record<string, never>;
} {
  return mode === 'url' ? { action: 'accept' } : { action: 'accept', content: {} };
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
