import { randomBytes } from 'node:crypto';
import type { JSONRPCMessage, JSONRPCNotification, RequestId } from '@modelcontextprotocol/server';
import type { Messages } from '../shared-state/messages.ts';
import type { Session } from '../shared-state/sessions.ts';
import type { AskedId } from './asked-requests.ts';
import type { Exchange } from './exchange.ts';

/** What nodes say to one another. */
type Mail =
  | { readonly session: string; readonly exchange: string; readonly message: JSONRPCMessage }
  | { readonly session: string; readonly cancelled: RequestId; readonly message: JSONRPCNotification };

const everyNode = 'nodes';
const inboxOf = (node: string): string => `node:${node}`;

/** The exchanges that run on this node, and the way to those on others. */
export class Exchanges {
  /** This node's name. */
  readonly node = randomBytes(6).toString('base64url');
  readonly #messages: Messages;
  readonly #running = new Map<string, Exchange>();
  #open: Promise<(() => void)[]> | undefined;

  constructor(messages: Messages) {
    this.#messages = messages;
  }

  /** Takes part until the exchange has ended. */
  async add(exchange: Exchange): Promise<void> {
    this.#running.set(exchange.name, exchange);
    void exchange.ended.then(() => this.#running.delete(exchange.name));
    this.#open ??= Promise.all(
      [inboxOf(this.node), everyNode].map(async (channel) =>
        this.#messages.subscribe(channel, (text) => this.#receive(JSON.parse(text) as Mail)),
      ),
    );
    await this.#open;
  }

  /** Brings an answer of the client to the exchange that asked. @returns false when it is known that nobody waits for it */
  async deliver(session: Session, { node, exchange }: AskedId, message: JSONRPCMessage): Promise<boolean> {
    const mail: Mail = { session: session.id, exchange, message };
    if (node === this.node) return this.#receive(mail);
    return (await this.#messages.publish(inboxOf(node), JSON.stringify(mail))) > 0;
  }

  /** Tells the exchange that answers a request, wherever it is, that the client does not want the answer any more. */
  async cancel(session: Session, message: JSONRPCNotification): Promise<void> {
    const cancelled = message.params?.['requestId'];
    if (typeof cancelled !== 'string' && typeof cancelled !== 'number') return;
    const mail: Mail = { session: session.id, cancelled, message };
    if (!this.#receive(mail)) await this.#messages.publish(everyNode, JSON.stringify(mail));
  }

  /** Whether the exchange, which may be on another node, may still run. */
  async isAlive(name: string): Promise<boolean> {
    const [node = ''] = name.split('.');
    if (node === this.node) return this.#running.has(name);
    return (await this.#messages.listeners(inboxOf(node))) > 0;
  }

  async close(): Promise<void> {
    const running = [...this.#running.values()];
    await Promise.all(running.map(async (exchange) => exchange.close('The server is ending.')));
    for (const unsubscribe of (await this.#open) ?? []) unsubscribe();
  }

  /** A session gets only what was sent in it. */
  #receive(mail: Mail): boolean {
    if (!('cancelled' in mail)) {
      const exchange = this.#running.get(mail.exchange);
      if (exchange?.session.id !== mail.session) return false;
      exchange.deliver(mail.message);
      return true;
    }
    for (const exchange of this.#running.values()) {
      if (exchange.session.id !== mail.session || !exchange.pending.has(mail.cancelled)) continue;
      exchange.cancel(mail.message, mail.cancelled);
      return true;
    }
    return false;
  }
}
