import { connectFusionAuth } from '../../src/fusionauth.ts';
import type { McpServerFactory, ServerEventBus } from '@modelcontextprotocol/server';
import { loadConfig, type Environment } from '../../src/config.ts';
import { startServer, type RunningServer } from '../../src/http-server.ts';
import { createLog } from '../../src/log.ts';
import type { SharedState } from '../../src/shared-state/shared-state.ts';
import { FusionAuthStandIn } from './fusionauth-stand-in.ts';

export type LogEntry = Record<string, unknown> & { msg: string; level: string };

/** A public origin that needs no port known beforehand: only the loopback address is ever connected to. */
export const publicUrl = 'https://mcp.example.com';

/** A server in front of a FusionAuth stand-in, and what it logged. */
export interface ProtectedServer extends AsyncDisposable {
  readonly fusionAuth: FusionAuthStandIn;
  readonly server: RunningServer;
  /** The MCP endpoint, on loopback. */
  readonly endpoint: string;
  readonly lines: string[];
  entries(message: string): LogEntry[];
}

/**
 * Starts both on free ports.
 *
 * @param options.deadline milliseconds for a call to FusionAuth
 * @param options.pause milliseconds without calls after one that got no answer
 */
export async function protectedServer(
  options: {
    deadline?: number;
    pause?: number;
    env?: Environment;
    sharedState?: SharedState;
    createMcpServer?: McpServerFactory;
    changes?: ServerEventBus;
    /** One of another node's, which that node ends. */
    fusionAuth?: FusionAuthStandIn;
  } = {},
): Promise<ProtectedServer> {
  const fusionAuth = options.fusionAuth ?? (await FusionAuthStandIn.start(`${publicUrl}/mcp`));
  const lines: string[] = [];
  const config = loadConfig(['--port', '0', '--debug'], {
    FUSIONAUTH_URL: fusionAuth.url,
    MCP_SERVER_URL: publicUrl,
    ...options.env,
  });
  const server = await startServer(config, {
    log: createLog({ debug: true, destination: { write: (line) => void lines.push(line) } }),
    fusionAuth: connectFusionAuth(fusionAuth.url, {
      deadline: options.deadline ?? 5_000,
      pause: options.pause ?? 0,
    }),
    sharedState: options.sharedState,
    createMcpServer: options.createMcpServer,
    changes: options.changes,
  });
  return {
    fusionAuth,
    server,
    endpoint: `http://127.0.0.1:${server.port}/mcp`,
    lines,
    entries: (message) =>
      lines.map((line) => JSON.parse(line) as LogEntry).filter((entry) => entry.msg === message),
    [Symbol.asyncDispose]: async () => {
      await server.close();
      if (options.fusionAuth === undefined) await fusionAuth.close();
    },
  };
}

/** The guide's request: `tools/call` of get_name, without `initialize`. */
export async function callGetName(endpoint: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(endpoint, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'get_name', arguments: {} },
    }),
  });
}

export const bearer = (token: string): { Authorization: string } => ({ Authorization: `Bearer ${token}` });

/** The greeting in the answer to {@link callGetName}. */
export async function greetingIn(response: Response): Promise<string> {
  const data = /^data: (?<message>.*)$/mu.exec(await response.text())?.groups?.['message'] ?? '';
  const { result } = JSON.parse(data) as { result: { structuredContent: { result: string } } };
  return result.structuredContent.result;
}
