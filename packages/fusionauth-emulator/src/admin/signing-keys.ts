import type { Request } from 'express';
import type { Context } from '../context.ts';

/** Tells the webhooks that the tenant's signing keys change, with the applications that have no keys of their own. */
export async function announceSigningKeys(
  { store, events }: Pick<Context, 'store' | 'events'>,
  request: Pick<Request, 'get' | 'ip'>,
): Promise<void> {
  const applicationIds = [...store.applications.values()]
    .filter(({ active, jwtConfiguration }) => active && jwtConfiguration?.enabled !== true)
    .map(({ id }) => id);
  await events.publish('jwt.public-key.update', { applicationIds }, request);
}
