import type { Log } from '@mcp-keyhole/cli-kit';
import { errors, ProxyError } from '../errors.ts';
import type { StateFolder } from '../state-folder.ts';
import { openCallbackServer, type CallbackServer } from './callback-server.ts';

/** The name of the lock for a callback port. */
export const portLock = (port: number): string => `callback-port-${port}`;

interface Turn {
  readonly server: URL;
  readonly config: { readonly host: string; readonly callbackPath: string };
  readonly folder: StateFolder;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Holds a callback port while `work` runs: the first of `ports` that can be had, 0 being any free one.
 *
 * The redirect URI of a client that was registered by hand is fixed, so the sign-ins of several servers take turns at its
 * port, under a lock; a port that is taken although no Keyhole holds the lock belongs to another program.
 */
export async function withCallbackServer<Value>(
  ports: readonly number[],
  turn: Turn,
  work: (callbackServer: CallbackServer) => Promise<Value>,
): Promise<Value> {
  const [port = 0, ...others] = ports;
  if (port === 0) return listening(0, turn, work);
  if (others.length === 0) {
    return turn.folder.locked(portLock(port), () => listening(port, turn, work), {
      signal: turn.signal,
      onWait: once(() => {
        turn.log.info(
          `another sign-in is under way on port ${port}; the one for ${turn.server.href} comes next`,
        );
      }),
    });
  }
  // Whoever can go elsewhere does not wait, and leaves the port to those who cannot.
  try {
    return await turn.folder.lockedNow(
      portLock(port),
      () => listening(port, turn, work),
      () => errors.callbackPortInUse(port),
    );
  } catch (error) {
    if (!(error instanceof ProxyError) || error.code !== 'callback-port-in-use') throw error;
    return withCallbackServer(others, turn, work);
  }
}

async function listening<Value>(
  port: number,
  { config }: Turn,
  work: (callbackServer: CallbackServer) => Promise<Value>,
): Promise<Value> {
  const callbackServer = await openCallbackServer(config.host, port, config.callbackPath);
  try {
    return await work(callbackServer);
  } finally {
    await callbackServer.close();
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}
