/** The events that the emulator sends; FusionAuth has more. */
export const eventTypes = [
  'jwt.public-key.update',
  'jwt.refresh',
  'jwt.refresh-token.revoke',
  'kickstart.success',
  'user.create',
  'user.create.complete',
  'user.deactivate',
  'user.delete',
  'user.delete.complete',
  'user.login.failed',
  'user.login.success',
  'user.reactivate',
  'user.registration.create',
  'user.registration.create.complete',
  'user.registration.delete',
  'user.registration.delete.complete',
  'user.registration.update',
  'user.registration.update.complete',
  'user.update',
  'user.update.complete',
] as const;
export type EventType = (typeof eventTypes)[number];

/** Events that are sent a second time, without a say, once the change is made. */
export type ChangeType =
  Extract<EventType, `${string}.complete`> extends `${infer Type}.complete` ? Type : never;

/** Events about what is done already, whose webhooks have no say. */
export function isInformation(type: EventType): boolean {
  return type.endsWith('.complete') || type === 'kickstart.success' || type === 'jwt.refresh';
}

export const transactionTypes = [
  'None',
  'Any',
  'SimpleMajority',
  'SuperMajority',
  'AbsoluteMajority',
] as const;
export type TransactionType = (typeof transactionTypes)[number];

/** A tenant's setting for one event. */
export interface EventSetting {
  readonly enabled: boolean;
  readonly transactionType: TransactionType;
}

/** Whether so many successes of so many webhooks satisfy a transaction type. */
export function satisfies(type: TransactionType, succeeded: number, total: number): boolean {
  switch (type) {
    case 'None':
      return true;
    case 'Any':
      return succeeded >= 1;
    case 'SimpleMajority':
      return succeeded * 2 >= total;
    case 'SuperMajority':
      return succeeded * 3 >= total * 2;
    case 'AbsoluteMajority':
      return succeeded === total;
  }
}
