import { eventTypes, transactionTypes, type EventSetting, type EventType } from '../webhooks/event-types.ts';
import type { Input } from './input.ts';

/** Reads a tenant's `eventConfiguration`; events that are absent are off, and those that are never sent here are dropped. */
export function readEventConfiguration(input: Input): Record<EventType, EventSetting> {
  const events = input.child('events');
  return Object.fromEntries(
    eventTypes.map((type) => {
      const setting = events.child(type);
      const enabled = setting.flag('enabled', false);
      return [
        type,
        { enabled, transactionType: setting.choice('transactionType', transactionTypes, 'None') },
      ];
    }),
  ) as Record<EventType, EventSetting>;
}
