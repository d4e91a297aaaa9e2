import { subjects } from '../shared-state/revocation-check.ts';
import { memberOf, type WebhookEvent } from './webhook-event.ts';
import { WebhookRefused } from './webhook-refusal.ts';

/** What an event revokes, in the words of `Revocations.revoke`; times are seconds since the epoch. */
export interface EventRevocation {
  readonly subject: string;
  readonly before: number;
  readonly until: number;
  /** For the log. */
  readonly user?: string | undefined;
  readonly clientId?: string | undefined;
}

/** The events that are acted on. */
export const usedEvents = ['jwt.refresh-token.revoke', 'user.deactivate', 'jwt.public-key.update'] as const;

/** Seconds for which a revocation is kept whose event does not say how long its tokens live. */
const longestTokenLifetime = 86_400;

/** Seconds for which changed keys are kept in mind: after that, keys were read anew in any case. */
const keysLifetime = 600;

/**
 * What an event means here: who signed out, was signed out or was deactivated is known by tokens issued until then, and
 * those are refused. (FusionAuth's access tokens outlive the refresh token that they came with.)
 *
 * @returns undefined when the event is none of {@link usedEvents}
 * @throws WebhookRefused `not-an-event` when it lacks what it is about
 */
export function revocationOf(event: WebhookEvent): EventRevocation | undefined {
  const before = event.createInstant / 1_000;
  switch (event.type) {
    case 'jwt.refresh-token.revoke': {
      const user = textOf(event.fields['userId']);
      const clientId = textOf(event.fields['applicationId']);
      const until = before + lifetimeOf(event, clientId);
      return { subject: subjectOf(user, clientId), before, until, user, clientId };
    }
    case 'user.deactivate': {
      const user = textOf(memberOf(event.fields, 'user')['id']);
      const until = before + longestTokenLifetime;
      return { subject: subjectOf(user, undefined), before, until, user };
    }
    case 'jwt.public-key.update':
      // Nobody's tokens are refused by it: each is verified anew.
      return { subject: subjects.signingKeys(event.id), before, until: before + keysLifetime };
    default:
      return undefined;
  }
}

function subjectOf(user: string | undefined, clientId: string | undefined): string {
  if (user !== undefined) {
    return clientId === undefined ? subjects.user(user) : subjects.userOfClient(user, clientId);
  }
  if (clientId !== undefined) return subjects.client(clientId);
  throw new WebhookRefused('not-an-event', 'neither a user nor an application');
}

/**
 * `applicationTimeToLiveInSeconds` says for each application concerned how long its access tokens live. Of a user's revocation
 * without an application it may not name all.
 */
function lifetimeOf({ fields }: WebhookEvent, clientId: string | undefined): number {
  const lifetimes = fields['applicationTimeToLiveInSeconds'];
  const all = Object.entries(typeof lifetimes === 'object' && lifetimes !== null ? lifetimes : {});
  const ofClient = all.find(([id]) => id === clientId)?.[1] as unknown;
  if (isLifetime(ofClient)) return ofClient;
  return Math.max(longestTokenLifetime, ...all.map(([, seconds]) => seconds as unknown).filter(isLifetime));
}

function isLifetime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
