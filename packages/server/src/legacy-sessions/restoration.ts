import type { Transport } from '@modelcontextprotocol/server';
import type { Session } from '../shared-state/sessions.ts';

/**
 * Tells a new server what the client has told another one before: who it is, what it can do, what it wants to have logged.
 * The answers go nowhere.
 */
export async function restore(transport: Transport, { id, client, logLevel }: Session): Promise<void> {
  const request = new Request('http://localhost', { headers: { 'mcp-session-id': id } });
  const send = transport.send.bind(transport);
  const say = async (method: string, params: object): Promise<void> =>
    new Promise((answered) => {
      transport.send = () => {
        answered();
        return Promise.resolve();
      };
      transport.onmessage?.({ jsonrpc: '2.0', id: 0, method, params: { ...params } }, { request });
    });
  await say('initialize', client);
  if (logLevel !== undefined) await say('logging/setLevel', { level: logLevel });
  transport.send = send;
}
