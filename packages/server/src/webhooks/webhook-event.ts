import type { Claims } from '../fusionauth.ts';
import { WebhookRefused } from './webhook-refusal.ts';

/** An event of FusionAuth: what all have, and what this one says. */
export interface WebhookEvent {
  /** Such as `user.deactivate`. */
  readonly type: string;
  readonly id: string;
  /** Milliseconds since the epoch, by FusionAuth's clock: the one that tokens' `iat` goes by. */
  readonly createInstant: number;
  readonly fields: Claims;
}

/** @throws WebhookRefused `not-an-event` */
export function readEvent(body: Buffer): WebhookEvent {
  const event = memberOf(parse(body), 'event');
  const { type, id, createInstant } = event;
  if (typeof type !== 'string' || typeof id !== 'string' || typeof createInstant !== 'number') {
    throw new WebhookRefused('not-an-event', 'type, id or createInstant is missing');
  }
  return { type, id, createInstant, fields: event };
}

/** @throws WebhookRefused `not-an-event` when the member is no object */
export function memberOf(value: unknown, name: string): Claims {
  const member = isObject(value) ? value[name] : undefined;
  if (isObject(member)) return member;
  throw new WebhookRefused('not-an-event', `${name} is missing`);
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new WebhookRefused('not-an-event', 'not JSON');
  }
}

function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
