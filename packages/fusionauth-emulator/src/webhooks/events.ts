import { randomUUID } from 'node:crypto';
import type { Log } from '@mcp-keyhole/cli-kit';
import type { Request } from 'express';
import { generalProblem } from '../admin/api-error.ts';
import type { JsonObject } from '../json.ts';
import type { Store } from '../store/store.ts';
import type { Webhook } from '../store/types.ts';
import { deliver } from './delivery.ts';
import { isInformation, satisfies, type ChangeType, type EventType } from './event-types.ts';

/** FusionAuth sends to a webhook that failed up to three times more. */
const retries = 3;
/** Milliseconds before the first further try, doubled each time. FusionAuth's own pauses are not documented. */
const firstPause = 250;

/** Tells webhooks what happens. */
export class Events {
  readonly #store: Store;
  readonly #log: Log;
  readonly #ended = new AbortController();

  constructor(store: Store, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  /**
   * Sends an event to every webhook that wants it, and waits until enough of them have agreed, as the tenant's transaction
   * type for the event asks. Those that failed are tried again in the background.
   *
   * @throws ApiError 504 when too few agreed: then whatever was to happen must not
   */
  async publish(type: EventType, fields: JsonObject, request?: Pick<Request, 'get' | 'ip'>): Promise<void> {
    const transactionType = isInformation(type)
      ? 'None'
      : this.#store.tenant.eventConfiguration[type].transactionType;
    const webhooks = this.#wanting(type);
    if (webhooks.length === 0) return;
    const body = JSON.stringify({ event: this.#event(type, fields, request) });
    const outcomes = webhooks.map(async (webhook) => ({
      webhook,
      failure: await deliver(this.#store, webhook, body),
    }));
    if (transactionType === 'None') {
      for (const outcome of outcomes) {
        void outcome.then(({ webhook, failure }) => this.#retry(webhook, type, body, failure));
      }
      return;
    }
    const settled = await Promise.all(outcomes);
    const succeeded = settled.filter(({ failure }) => failure === undefined).length;
    if (!satisfies(transactionType, succeeded, webhooks.length)) {
      for (const { webhook, failure } of settled) {
        if (failure !== undefined) this.#log.warn(`Webhook ${webhook.url} refused ${type}: ${failure}`);
      }
      throw generalProblem(
        '[WebhookTransactionException]',
        'One or more webhooks returned an invalid response or were unreachable. Based on your transaction configuration, your action cannot be completed.',
        504,
      );
    }
    for (const { webhook, failure } of settled) void this.#retry(webhook, type, body, failure);
  }

  /** Publishes an event, makes the change unless webhooks prevent it, and says that it is complete. @throws ApiError 504 */
  async change<Result>(
    type: ChangeType,
    fields: JsonObject,
    request: Pick<Request, 'get' | 'ip'> | undefined,
    commit: () => Result | Promise<Result>,
  ): Promise<Result> {
    await this.publish(type, fields, request);
    const result = await commit();
    // Sent after the fact, so nothing can come of a failure but further tries.
    await this.publish(`${type}.complete`, fields, request);
    return result;
  }

  /** Ends the tries that are still to come. */
  close(): void {
    this.#ended.abort();
  }

  #wanting(type: EventType): Webhook[] {
    const { tenant, webhooks } = this.#store;
    if (type !== 'kickstart.success' && !tenant.eventConfiguration[type].enabled) return [];
    return [...webhooks.values()].filter(
      (webhook) =>
        webhook.eventsEnabled[type] === true && (webhook.global || webhook.tenantIds.includes(tenant.id)),
    );
  }

  #event(type: EventType, fields: JsonObject, request: Pick<Request, 'get' | 'ip'> | undefined): JsonObject {
    const info = request && { ipAddress: request.ip, userAgent: request.get('user-agent') };
    return {
      createInstant: Date.now(),
      id: randomUUID(),
      ...(info === undefined ? {} : { info }),
      tenantId: this.#store.tenant.id,
      type,
      ...fields,
    };
  }

  async #retry(webhook: Webhook, type: EventType, body: string, failure: string | undefined): Promise<void> {
    let last = failure;
    for (let attempt = 0; last !== undefined && attempt < retries; attempt += 1) {
      await pause(firstPause * 2 ** attempt, this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      last = await deliver(this.#store, webhook, body);
    }
    if (last !== undefined) this.#log.warn(`Webhook ${webhook.url} did not take ${type}: ${last}`);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    timer.unref();
    signal.addEventListener('abort', end);
  });
}
