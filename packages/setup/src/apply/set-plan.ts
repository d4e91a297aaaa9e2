import type { Application } from '@fusionauth/typescript-client';
import pMap from 'p-map';
import { markerOf } from '../clients/application.ts';
import { planClient, type ClientPlan } from '../clients/client-plan.ts';
import { allApplications } from '../clients/clients.ts';
import { errors } from '../errors.ts';
import type { FusionAuth } from '../fusionauth.ts';
import type { DeclaredClients } from './declared-clients.ts';

/** What has to be done so that FusionAuth has the clients of a set, and no others of it. */
export interface SetPlan {
  readonly set: string;
  /** To create, change and leave, in the order of the file. */
  readonly clients: readonly ClientPlan[];
  /** Those of the set that the file does not have: removed with `--prune`, otherwise left. */
  readonly unlisted: readonly { readonly clientId: string; readonly name: string }[];
}

/**
 * Compares what is declared with what there is; a few requests, however many clients there are.
 *
 * @throws SetupError `names-taken`, and what every call throws
 */
export async function planSet(
  { set, clients }: DeclaredClients,
  fusionAuth: FusionAuth,
  options: { foreign: boolean; concurrency: number },
): Promise<SetPlan> {
  const applications = await allApplications(fusionAuth);
  const byName = new Map(applications.map((one) => [one.name?.toLowerCase(), one]));
  const existing = clients.map(({ name }) => byName.get(name.toLowerCase()));
  const taken = existing.filter((one) => one !== undefined && !isOurs(one, options.foreign));
  if (taken.length > 0) throw errors.namesTaken(taken.map((one) => one?.name ?? ''));
  // FusionAuth may leave the scopes out of a list.
  const whole = await pMap(existing, (one) => withScopes(one, fusionAuth), options);
  const names = new Set(clients.map(({ name }) => name.toLowerCase()));
  const isUnlisted = (one: Application): boolean =>
    markerOf(one)?.set === set && !names.has((one.name ?? '').toLowerCase());
  return {
    set,
    clients: clients.map((client, index) => planClient(client, { set }, whole[index])),
    unlisted: applications.filter(isUnlisted).map(({ id = '', name = '' }) => ({ clientId: id, name })),
  };
}

/** A client of a portal's user is that user's, whatever is told. */
function isOurs(application: Application, foreign: boolean): boolean {
  const marker = markerOf(application);
  return marker === undefined ? foreign : marker.owner === undefined;
}

async function withScopes(
  application: Application | undefined,
  fusionAuth: FusionAuth,
): Promise<Application | undefined> {
  if (application?.id === undefined || application.scopes !== undefined) return application;
  return fusionAuth.readApplication(application.id);
}
