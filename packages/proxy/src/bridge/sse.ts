import { SSEClientTransport, type JSONRPCMessage } from '@modelcontextprotocol/client';
import { clientOptions, type HttpOptions, type ServerTransport } from './http.ts';

/** The server's side for servers of 2024-11-05: one event stream for all answers, and an address to post to. */
// eslint-disable-next-line @typescript-eslint/no-deprecated -- deprecated as the servers are that still need it
class EventStreamTransport extends SSEClientTransport implements ServerTransport {
  /** Answers come on the one stream, so a request has none of its own that could be told of or closed. */
  override async send(message: JSONRPCMessage): Promise<void> {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- as above
    await super.send(message);
  }

  /** The session is the stream: closing it ends both. */
  terminateSession(): Promise<void> {
    return Promise.resolve();
  }
}

export function createEventStreamTransport(server: URL, options: HttpOptions): ServerTransport {
  const { requestInit, fetch, authProvider } = clientOptions(options);
  return new EventStreamTransport(server, {
    ...(requestInit === undefined ? {} : { requestInit }),
    ...(fetch === undefined ? {} : { fetch }),
    ...(authProvider === undefined ? {} : { authProvider }),
  });
}
