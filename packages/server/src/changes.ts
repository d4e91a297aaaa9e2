import { randomUUID } from 'node:crypto';
import { InMemoryServerEventBus, type ServerEvent, type ServerEventBus } from '@modelcontextprotocol/server';
import { messageOf } from '@mcp-keyhole/cli-kit';
import type { Log } from './log.ts';
import type { Messages } from './shared-state/messages.ts';

/** What {@link changesOfAllNodes} works with. */
export interface ChangesParts {
  /** Where this node's MCP servers say what has changed. */
  readonly own: ServerEventBus | undefined;
  readonly messages: Messages;
  readonly log: Log;
  /** Ends it. */
  readonly signal: AbortSignal | undefined;
}

interface Mail {
  readonly node: string;
  readonly event: ServerEvent;
}

const channel = 'changes';

/**
 * What has changed, whichever node says so, for the clients that listen at this one: a client's stream and the request that
 * changes something rarely meet at the same node. While Redis is away only this node's clients are told.
 */
export function changesOfAllNodes({ own, messages, log, signal }: ChangesParts): ServerEventBus {
  const report = (error: unknown): void =>
    log.warn({ detail: messageOf(error) }, 'a change was not told to all');
  const all = new InMemoryServerEventBus(report);
  if (own === undefined) return all;
  const node = randomUUID();
  const ends = [
    own.subscribe((event) => {
      all.publish(event);
      messages.publish(channel, JSON.stringify({ node, event } satisfies Mail)).catch(report);
    }),
  ];
  void messages
    .subscribe(channel, (text) => {
      const mail = JSON.parse(text) as Mail;
      if (mail.node !== node) all.publish(mail.event);
    })
    .then((end) => (signal?.aborted === true ? end() : ends.push(end)));
  signal?.addEventListener('abort', () => ends.forEach((end) => end()), { once: true });
  return all;
}
