import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors, ProxyError } from '../errors.ts';
import { Message, type RequestId } from './message.ts';

/** JSON-RPC's range for errors that an implementation defines. */
const implementationDefined = -32_000;

/** The answer to a request that could not be carried out: hosts show its message, programs read `data.code`. */
export function failureAnswer(id: RequestId, { code, message, remedy, url }: ProxyError): Message {
  return Message.error(id, {
    code: implementationDefined,
    message: `${message} ${remedy}`,
    // Without an address, JSON leaves it out.
    data: { code, remedy, url },
  });
}

/** Everything that a server's side throws is a ProxyError already, unless the fault is ours. */
export function explain(error: unknown, server: URL): ProxyError {
  return error instanceof ProxyError ? error : errors.serverAnswerUnusable(server, messageOf(error), error);
}
