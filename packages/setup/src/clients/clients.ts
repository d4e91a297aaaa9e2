import { randomBytes, randomUUID } from 'node:crypto';
import type { Application } from '@fusionauth/typescript-client';
import { nearest, type Progress } from '@mcp-keyhole/cli-kit';
import { errors, SetupError } from '../errors.ts';
import type { FusionAuth } from '../fusionauth.ts';
import { descriptionOf, markerOf } from './application.ts';
import type { ClientPlan } from './client-plan.ts';

/** FusionAuth's own application, whose id is the same in every installation: nothing here ever touches it. */
const fusionAuthApplicationId = '3c219e58-ed0e-4b18-ad48-f4f92793ae32';

/** All applications but FusionAuth's own, by name. */
export async function allApplications(fusionAuth: FusionAuth): Promise<readonly Application[]> {
  const applications = await fusionAuth.listApplications();
  return applications
    .filter(({ id }) => id !== fusionAuthApplicationId)
    .sort((left, right) => (left.name ?? '').localeCompare(right.name ?? ''));
}

/** The applications that this tool has made, by name. */
export async function ownClients(fusionAuth: FusionAuth): Promise<readonly Application[]> {
  return (await allApplications(fusionAuth)).filter((application) => markerOf(application) !== undefined);
}

/**
 * The application with that client id or name, with its scopes. Names are compared without regard to case, as FusionAuth does.
 *
 * @param options.foreign whether it may be one that this tool has not made
 * @throws SetupError `client-unknown`, `client-foreign`
 */
export async function findClient(
  fusionAuth: FusionAuth,
  reference: string,
  options: { foreign: boolean },
): Promise<Application> {
  const application =
    (await fusionAuth.findApplication(reference)) ??
    (isUuid(reference) ? await fusionAuth.readApplication(reference.toLowerCase()) : undefined);
  if (application === undefined) {
    const names = (await ownClients(fusionAuth)).map(({ name }) => name ?? '');
    throw errors.clientUnknown(reference, nearest(reference, names));
  }
  const isOwn = markerOf(application) !== undefined;
  if (application.id === fusionAuthApplicationId || (!isOwn && !options.foreign)) {
    throw errors.clientForeign(application.name ?? '', application.id ?? '');
  }
  return application;
}

/** Who tells a person of each step. */
type Teller = Pick<Progress, 'step'>;

const silence: Teller = { step: (_doing, work) => work() };

/**
 * Does what a plan says. A client that cannot be created whole is removed again.
 *
 * @returns the secret that the client got, if it got one
 * @throws SetupError `application-left-over`, and what every call throws
 */
export async function carryOut(
  fusionAuth: FusionAuth,
  plan: ClientPlan,
  teller: Teller = silence,
): Promise<{ clientSecret: string | undefined }> {
  const { action, clientId, name, scopes } = plan;
  const isNew = action === 'create';
  let clientSecret: string | undefined;
  try {
    await teller.step(
      isNew ? `Creating ${name}` : `Changing ${name}`,
      async () => {
        clientSecret = await saveApplication(fusionAuth, plan);
      },
      isNew ? `Created ${name} (client id ${clientId}).` : `${name} (client id ${clientId}) is up to date.`,
    );
  } catch (error) {
    // Without FusionAuth's own answer the application may exist all the same; with one it does not.
    const isUncertain =
      error instanceof SetupError && ['fusionauth-timeout', 'fusionauth-failed'].includes(error.code);
    throw isNew && isUncertain ? await undone(fusionAuth, plan, error, teller) : error;
  }
  const names = [...scopes.create, ...scopes.change, ...scopes.remove].map((scope) => scope.name);
  if (names.length === 0) return { clientSecret };
  const what = `${names.length === 1 ? 'scope' : 'scopes'} ${names.join(', ')}`;
  try {
    const done = isNew ? `Created the ${what}.` : `The ${what} of ${name}: changed.`;
    await teller.step(
      `${isNew ? 'Creating' : 'Changing'} the ${what}`,
      () => saveScopes(fusionAuth, plan),
      done,
    );
  } catch (error) {
    throw isNew ? await undone(fusionAuth, plan, error, teller) : error;
  }
  return { clientSecret };
}

async function saveApplication(
  fusionAuth: FusionAuth,
  { action, clientId, application, reactivate, newSecret }: ClientPlan,
): Promise<string | undefined> {
  const clientSecret = newSecret ? createSecret() : undefined;
  const body =
    clientSecret === undefined
      ? application
      : { ...application, oauthConfiguration: { ...application?.oauthConfiguration, clientSecret } };
  if (reactivate) await fusionAuth.reactivateApplication(clientId);
  if (body !== undefined) {
    if (action === 'create') await fusionAuth.createApplication(clientId, { application: body });
    else await fusionAuth.patchApplication(clientId, body);
  }
  return clientSecret;
}

async function saveScopes(fusionAuth: FusionAuth, { clientId, scopes }: ClientPlan): Promise<void> {
  for (const scope of scopes.create) await fusionAuth.createScope(clientId, randomUUID(), { scope });
  for (const { id = '', ...scope } of scopes.change) await fusionAuth.changeScope(clientId, id, { scope });
  for (const { id = '' } of scopes.remove) await fusionAuth.removeScope(clientId, id);
}

/** Removes what was created, and returns what to throw: the reason, or that this failed as well. */
export async function undone(
  fusionAuth: FusionAuth,
  { clientId, name }: Pick<ClientPlan, 'clientId' | 'name'>,
  reason: unknown,
  teller: Teller = silence,
): Promise<unknown> {
  try {
    await teller.step(
      'Removing the half-made application',
      () => fusionAuth.removeApplication(clientId),
      'Removed the half-made application.',
    );
    return reason;
  } catch (second) {
    return reason instanceof SetupError ? errors.leftOver({ name, clientId }, reason, second) : reason;
  }
}

/**
 * Gives a client another secret; the old one ends at once. Returns the new one.
 *
 * @throws SetupError `client-public`
 */
export async function rotateSecret(fusionAuth: FusionAuth, application: Application): Promise<string> {
  const { id = '', name = '' } = application;
  if (!descriptionOf(application).confidential) throw errors.clientPublic(name);
  const clientSecret = createSecret();
  await fusionAuth.patchApplication(id, { oauthConfiguration: { clientSecret } });
  return clientSecret;
}

/** 256 bits, in characters that need no quoting anywhere. */
function createSecret(): string {
  return randomBytes(32).toString('base64url');
}

function isUuid(word: string): boolean {
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/iu.test(word);
}
