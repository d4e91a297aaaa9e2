import type { Era } from './era.ts';
import { Message, objectOf, type JsonObject, type RequestId } from './message.ts';
import type { OnMessage, RequestContext } from './server-side.ts';

const subscriptionKey = 'io.modelcontextprotocol/subscriptionId';
const acknowledged = 'notifications/subscriptions/acknowledged';

interface Subscription {
  readonly id: RequestId;
  readonly context: RequestContext;
  /** What the host wants to hear of. */
  readonly filter: JsonObject;
}

/** How a host hears that a list has changed: a legacy one at any time, a modern one through its subscriptions. */
export class Announcements {
  readonly #onMessage: OnMessage;
  readonly #subscriptions = new Set<Subscription>();

  constructor(onMessage: OnMessage) {
    this.#onMessage = onMessage;
  }

  /**
   * Watches a modern host's subscription for as long as `work` takes.
   *
   * @param isEarly acknowledges it here, since the server is not there to do so, and drops the server's acknowledgement
   */
  async during(
    { id = '', params }: Message,
    context: RequestContext,
    isEarly: boolean,
    work: (context: RequestContext) => Promise<Message>,
  ): Promise<Message> {
    const subscription = { id, context, filter: objectOf(params['notifications']) };
    this.#subscriptions.add(subscription);
    try {
      if (!isEarly) return await work(context);
      const words = { notifications: subscription.filter, _meta: { [subscriptionKey]: id } };
      await context.onMessage(Message.notification(acknowledged, words));
      const onMessage: OnMessage = (message) =>
        message.method === acknowledged ? undefined : context.onMessage(message);
      return await work({ ...context, onMessage });
    } finally {
      this.#subscriptions.delete(subscription);
    }
  }

  /** @param method the list's, such as `tools/list` */
  async listChanged(method: string, era: Era): Promise<void> {
    const [kind = ''] = method.split('/');
    const name = `notifications/${kind}/list_changed`;
    if (era === 'legacy') {
      await this.#onMessage(Message.notification(name));
      return;
    }
    for (const { id, context, filter } of this.#subscriptions) {
      if (filter[`${kind}ListChanged`] !== true) continue;
      await context.onMessage(Message.notification(name, { _meta: { [subscriptionKey]: id } }));
    }
  }
}
