import {
  Client,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  type RequestOptions,
} from '@modelcontextprotocol/client';
import type { Log } from '@mcp-keyhole/cli-kit';
import { explainHttpFailure } from '../bridge/failure-answer.ts';
import type { ServerTransport } from '../bridge/http.ts';
import type { ProxyConfig } from '../config.ts';
import { withDeadline } from '../deadline.ts';
import { errors, type ProxyError } from '../errors.ts';
import { openConnection } from '../proxy.ts';
import { chooseTransport } from './connect.ts';

const farewellWithin = 5_000;
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
  const transport = await chooseTransport(config.transport, openConnection(config, server, log, signal), log);
  const bounds = { timeout: config.signInTimeout + patienceBeyondSignIn, signal };
  // A server of 2024-11-05 may keep silent at a question that it does not know.
  const era = config.protocol === 'legacy' || config.transport === 'sse-only' ? 'legacy' : 'auto';
  return withClient(transport, server, bounds, (client) => work(client, bounds), era);
}

/**
 * Connects to a server as an MCP client, in whichever era it speaks, for as long as `work` takes; then ends the session.
 *
 * @param bounds the milliseconds that an answer may take, a sign-in on the way included
 * @throws ProxyError
 */
export async function withClient<Value>(
  transport: ServerTransport,
  server: URL,
  bounds: Bounds,
  work: (client: Client) => Promise<Value>,
  era: 'auto' | 'legacy' = 'auto',
): Promise<Value> {
  const client = new Client(
    { name: 'mcp-keyhole', version: process.env['KEYHOLE_VERSION'] ?? 'development' },
    { versionNegotiation: { mode: era } },
  );
  try {
    await client.connect(transport, bounds);
    return await work(client);
  } catch (error) {
    bounds.signal.throwIfAborted();
    throw explain(error, server, bounds.timeout);
  } finally {
    // A server that cannot end its session does not spoil what was done in it.
    await withDeadline(transport.terminateSession(), {
      milliseconds: farewellWithin,
      error: (milliseconds) => errors.serverSilent(server, milliseconds),
    }).catch(() => undefined);
    await client.close();
  }
}

function explain(error: unknown, server: URL, timeout: number): ProxyError {
  if (error instanceof ProtocolError) return errors.requestRefused(server, error.code, error.message);
  if (error instanceof SdkError && !(error instanceof SdkHttpError)) {
    if (error.code === SdkErrorCode.RequestTimeout) return errors.serverSilent(server, timeout);
    // The negotiation of the era wraps what went wrong on the way.
    if (error.cause !== undefined) return explainHttpFailure(error.cause, server);
  }
  return explainHttpFailure(error, server);
}
