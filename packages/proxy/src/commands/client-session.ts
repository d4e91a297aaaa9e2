import {
  Client,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  type RequestOptions,
} from '@modelcontextprotocol/client';
import type { Log } from '@mcp-keyhole/cli-kit';
import { explain as explainFailure } from '../bridge/failure-answer.ts';
import type { OnMessage, ServerSide } from '../bridge/server-side.ts';
import type { ProxyConfig } from '../config.ts';
import { errors, type ProxyError } from '../errors.ts';
import { openConnection } from '../proxy.ts';
import { ServerTransport } from './server-transport.ts';

/** More than a sign-in may take: the server's own time comes on top. */
const patienceBeyondSignIn = 60_000;

/** What every request of a session is sent with. */
export type Bounds = Required<Pick<RequestOptions, 'timeout' | 'signal'>>;

/** A session with the server as the configuration reaches it, signing in when that is needed. */
export async function withServer<Value>(
  config: ProxyConfig,
  server: URL,
  log: Log,
  signal: AbortSignal,
  work: (client: Client, bounds: Bounds) => Promise<Value>,
): Promise<Value> {
  const { openSide } = openConnection(config, server, log, signal);
  const bounds = { timeout: config.signInTimeout + patienceBeyondSignIn, signal };
  return withClient(openSide, server, bounds, (client) => work(client, bounds));
}

/**
 * Connects to a server as an MCP client for as long as `work` takes, then ends the session. The client is of the legacy
 * era, whichever the server speaks: that is the server side's business.
 *
 * @param bounds the milliseconds that an answer may take, a sign-in on the way included
 * @throws ProxyError
 */
export async function withClient<Value>(
  openSide: (onMessage: OnMessage) => ServerSide,
  server: URL,
  bounds: Bounds,
  work: (client: Client) => Promise<Value>,
): Promise<Value> {
  const client = new Client({
    name: 'mcp-keyhole',
    version: process.env['KEYHOLE_VERSION'] ?? 'development',
  });
  try {
    await client.connect(new ServerTransport(openSide), bounds);
    return await work(client);
  } catch (error) {
    bounds.signal.throwIfAborted();
    throw explain(error, server, bounds.timeout);
  } finally {
    await client.close();
  }
}

function explain(error: unknown, server: URL, timeout: number): ProxyError {
  if (error instanceof ProtocolError) return errors.requestRefused(server, error.code, error.message);
  const isLate = error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout;
  return isLate ? errors.serverSilent(server, timeout) : explainFailure(error, server);
}
