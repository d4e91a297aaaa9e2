import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { api, member, type Json } from './client.ts';

/** One event as it arrived. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: Json;
}

/** A webhook endpoint that answers with the statuses it is given, the last one for all that follow. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  readonly #server: Server;
  #statuses: readonly number[] = [200];

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const { event } = JSON.parse(body) as { event: Json };
        const [status = 200, ...rest] = this.#statuses;
        if (rest.length > 0) this.#statuses = rest;
        this.received.push({ headers: request.headers, body, event });
        response.writeHead(status).end();
      });
    });
  }

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`;
  }

  get types(): unknown[] {
    return this.received.map(({ event }) => event['type']);
  }

  answer(...statuses: number[]): void {
    this.#statuses = statuses;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

/** Enables events at the tenant and a webhook for them. @returns the webhook's id */
export async function subscribe(
  emulator: Emulator,
  url: string,
  types: readonly string[],
  options: { transactionType?: string; webhook?: Json } = {},
): Promise<string> {
  const { body } = await api(emulator, 'GET', '/api/tenant');
  const tenantId = String((body['tenants'] as Json[])[0]?.['id']);
  const { transactionType = 'None' } = options;
  await api(emulator, 'PATCH', `/api/tenant/${tenantId}`, {
    tenant: {
      eventConfiguration: {
        events: Object.fromEntries(types.map((type) => [type, { enabled: true, transactionType }])),
      },
    },
  });
  const created = await api(emulator, 'POST', '/api/webhook', {
    webhook: {
      url,
      global: true,
      connectTimeout: 1_000,
      readTimeout: 1_000,
      eventsEnabled: Object.fromEntries(types.map((type) => [type, true])),
      ...options.webhook,
    },
  });
  return String(member(created.body, 'webhook')['id']);
}
