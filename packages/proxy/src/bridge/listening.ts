import type { Log } from '@mcp-keyhole/cli-kit';
import { unlessAborted } from '../deadline.ts';
import { Message, objectOf, type JsonObject, type RequestId } from './message.ts';
import { subscriptionKey } from './modern-terms.ts';
import { ResourceSubscriptions, type Ask } from './resource-subscriptions.ts';
import type { OnMessage, RequestContext } from './server-side.ts';

const resourceUpdated = 'notifications/resources/updated';

/** What a list is called in a subscription's filter, and the capability by which a server reports on it. */
const lists: Readonly<Record<string, { readonly key: string; readonly capability: string }>> = {
  'notifications/tools/list_changed': { key: 'toolsListChanged', capability: 'tools' },
  'notifications/prompts/list_changed': { key: 'promptsListChanged', capability: 'prompts' },
  'notifications/resources/list_changed': { key: 'resourcesListChanged', capability: 'resources' },
};

/** A `subscriptions/listen` of the host that is open. */
interface Listener {
  readonly id: RequestId;
  /** What it is told of. */
  readonly filter: JsonObject;
  readonly uris: readonly string[];
  readonly onMessage: OnMessage;
  readonly end: () => void;
}

/** Tells a modern host of what changes at a legacy server, for as long as and as far as it listens. */
export class Listening {
  readonly #resources: ResourceSubscriptions;
  readonly #listeners = new Set<Listener>();
  #isClosed = false;

  constructor(ask: Ask, log: Log) {
    this.#resources = new ResourceSubscriptions(ask, log);
  }

  /**
   * Listens until {@link close}.
   *
   * @param wanted the filter that the host asks for
   * @param capabilities the server's
   * @returns the result that ends it
   * @throws ProxyError; the signal's reason
   */
  async listen(
    id: RequestId,
    wanted: JsonObject,
    capabilities: JsonObject,
    context: RequestContext,
  ): Promise<JsonObject> {
    const { signal } = context;
    const onMessage: OnMessage = (message) => context.onMessage(message);
    const asked = objectOf(capabilities['resources'])['subscribe'] === true ? urisOf(wanted) : [];
    const holds = asked.map((uri) => ({ uri, isHeld: this.#resources.hold(uri) }));
    let end = (): void => undefined;
    try {
      const uris: string[] = [];
      for (const { uri, isHeld } of holds) if (await unlessAborted(isHeld, signal)) uris.push(uri);
      const resources = uris.length === 0 ? {} : { resourceSubscriptions: uris };
      const filter = { ...honoured(wanted, capabilities), ...resources };
      const ended = new Promise<void>((resolve) => {
        const listener = { id, filter, uris, onMessage, end: resolve };
        this.#listeners.add(listener);
        end = () => this.#listeners.delete(listener);
        if (this.#isClosed) resolve();
      });
      // In the same breath as it was added: nothing comes before the acknowledgement, and nothing is missed after it.
      await onMessage(
        Message.notification('notifications/subscriptions/acknowledged', {
          notifications: filter,
          _meta: { [subscriptionKey]: id },
        }),
      );
      await unlessAborted(ended, signal);
      return { resultType: 'complete', _meta: { [subscriptionKey]: id } };
    } finally {
      end();
      for (const { uri, isHeld } of holds) this.#releaseWhenHeld(uri, isHeld);
    }
  }

  /** Whether the message is a change that hosts listen for; then those have it who do. */
  async takes(message: Message): Promise<boolean> {
    const { method = '' } = message;
    const key = lists[method]?.key;
    if (key === undefined && method !== resourceUpdated) return false;
    const { params, meta } = message;
    for (const { id, filter, uris, onMessage } of this.#listeners) {
      const isMeant = key === undefined ? covers(uris, params['uri']) : filter[key] === true;
      if (!isMeant) continue;
      await onMessage(Message.notification(method, { ...params, _meta: { ...meta, [subscriptionKey]: id } }));
    }
    return true;
  }

  close(): void {
    this.#isClosed = true;
    for (const { end } of this.#listeners) end();
  }

  #releaseWhenHeld(uri: string, isHeld: Promise<boolean>): void {
    isHeld.then(
      (yes) => {
        if (yes) this.#resources.release(uri);
      },
      () => undefined,
    );
  }
}

function urisOf({ resourceSubscriptions }: JsonObject): string[] {
  if (!Array.isArray(resourceSubscriptions)) return [];
  return [...new Set(resourceSubscriptions.filter((uri) => typeof uri === 'string'))];
}

/** Of the lists that the host wants to hear of, those that the server says it reports on. */
function honoured(wanted: JsonObject, capabilities: JsonObject): JsonObject {
  const reported = Object.values(lists).filter(
    ({ key, capability }) =>
      wanted[key] === true && objectOf(capabilities[capability])['listChanged'] === true,
  );
  return Object.fromEntries(reported.map(({ key }) => [key, true]));
}

/** A server may also report on parts of a resource (MCP 2025-11-25, resources, "Subscriptions"). */
function covers(uris: readonly string[], updated: unknown): boolean {
  return (
    typeof updated === 'string' &&
    uris.some((uri) => updated === uri || updated.startsWith(uri.endsWith('/') ? uri : `${uri}/`))
  );
}
