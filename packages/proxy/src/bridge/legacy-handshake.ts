import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import { newestLegacyVersion } from './era.ts';
import { Message, objectOf, type JsonObject } from './message.ts';
import { clientCapabilitiesKey, clientInfoKey, commonCapabilities } from './modern-terms.ts';
import type { Ask } from './resource-subscriptions.ts';
import type { ServerSide } from './server-side.ts';

/**
 * The handshake with a legacy server, for a modern host that knows of none: the first of its requests brings it about.
 *
 * The session is made for the host as it was then. Should it declare other capabilities later, the session stays: a new one
 * would lose what the server keeps for it, and questions are held against what the request at hand declares.
 *
 * @returns gives the server's answer to `initialize`; asks again where that was an error
 */
export function createHandshake(
  server: ServerSide,
  ask: Ask,
  log: Log,
): (meta: JsonObject) => Promise<Message> {
  let begun: Promise<Message> | undefined;
  const begin = async (meta: JsonObject): Promise<Message> => {
    const answer = await ask('initialize', {
      protocolVersion: newestLegacyVersion,
      capabilities: commonCapabilities(objectOf(meta[clientCapabilitiesKey])),
      clientInfo: meta[clientInfoKey] ?? {
        name: 'mcp-keyhole',
        version: process.env['KEYHOLE_VERSION'] ?? 'development',
      },
    });
    if (answer.error !== undefined) {
      begun = undefined;
      return answer;
    }
    await server.notify(Message.notification('notifications/initialized')).catch((error: unknown) => {
      // It may do without; and if it does not work, the requests will say so.
      log.debug('the server was not told that the session is open', { error: messageOf(error) });
    });
    return answer;
  };
  return (meta) => {
    begun ??= begin(meta).catch((error: unknown) => {
      begun = undefined;
      throw error;
    });
    return begun;
  };
}
