import { demoKeyFor } from '../api-key.ts';
import { errors } from '../errors.ts';
import type { FusionAuth } from '../fusionauth.ts';
import type { Terminal } from '../terminal.ts';
import { descriptionOf, markerOf } from './application.ts';
import { planClient } from './client-plan.ts';
import { scopeNamed, scopeText, type ClientDescription } from './client.ts';
import { carryOut, undone } from './clients.ts';
import type { Connector } from './connectors.ts';
import { hostConfiguration, type HostConfiguration } from './host-configuration.ts';

/** The user that the kickstart creates, for trying things out. */
export const testUser = { email: 'test@example.com', password: 'password' } as const;

/** What is registered, and where. */
export interface RegistrationRequest {
  readonly name: string | undefined;
  readonly redirectUrls: readonly string[];
  readonly resources: readonly string[];
  /** Names of its own scopes. */
  readonly scopes: readonly string[];
  readonly confidential: boolean;
  /** The host that signs in by itself; undefined for one that starts the proxy. */
  readonly connector: Connector | undefined;
  /** Whether an application of that name that this tool has not made is taken over. */
  readonly foreign: boolean;
  readonly fusionAuthUrl: string;
  /** As given; undefined where another one is found. */
  readonly apiKey: string | undefined;
  readonly callbackPort: number;
  readonly proxyPath: string | undefined;
}

/** What a registration yields: what `--json` prints. */
export interface Registration {
  readonly clientId: string;
  readonly name: string;
  /** Space-separated. */
  readonly scope: string;
  /** The URL of the MCP endpoint, which the client's tokens are for. */
  readonly resource: string;
  /** Null for a host that signs in by itself. */
  readonly configuration: HostConfiguration | null;
  /** Who can sign in to try it; null when this FusionAuth does not have the kickstart's test user. */
  readonly testUser: { readonly email: string; readonly password: string } | null;
  readonly change: 'created' | 'changed' | 'unchanged';
  /** What was changed, a line each. */
  readonly changes: readonly string[];
  /** The secret that a confidential client got now; null when it has none, or keeps the one that it has. */
  readonly clientSecret: string | null;
}

/**
 * Registers one MCP client: application, scopes, and the test user's registration to it. A client of that name is changed
 * instead, if this tool has made it. When a later step of a creation fails, the application of the first is removed again.
 *
 * @throws SetupError
 */
export async function register(
  request: RegistrationRequest,
  fusionAuth: FusionAuth,
  terminal: Terminal,
): Promise<Registration> {
  const { name: given } = request;
  const findName = given === undefined ? terminal.askName : () => Promise.resolve(given);
  if (findName === undefined) throw errors.nameMissing();
  terminal.heading('Keyhole: MCP client setup for FusionAuth');
  await checkFusionAuth(request, fusionAuth, terminal);
  const name = await findName();
  const existing = await fusionAuth.findApplication(name);
  if (existing !== undefined && markerOf(existing) === undefined && !request.foreign) {
    throw errors.nameTaken({ name, clientId: existing.id });
  }
  const plan = planClient(describe(name, request, existing), {}, existing);
  const { clientId, action, says } = plan;
  let clientSecret: string | undefined;
  if (action === 'leave') terminal.note(`${name} (client id ${clientId}) is as it shall be.`);
  else ({ clientSecret } = await carryOut(fusionAuth, plan, terminal));
  for (const line of says) terminal.note(line);
  let user: string | undefined;
  try {
    user = await registerTestUser(fusionAuth, terminal, clientId);
  } catch (error) {
    throw action === 'create' ? await undone(fusionAuth, plan, error, terminal) : error;
  }
  return {
    ...outline(clientId, describe(name, request, existing), request),
    testUser: user === undefined ? null : testUser,
    change: action === 'create' ? 'created' : action === 'change' ? 'changed' : 'unchanged',
    changes: says,
    clientSecret: clientSecret ?? null,
  };
}

async function checkFusionAuth(
  { fusionAuthUrl, apiKey }: RegistrationRequest,
  fusionAuth: FusionAuth,
  terminal: Terminal,
): Promise<void> {
  await terminal.step(
    `Checking FusionAuth at ${fusionAuthUrl}`,
    () => fusionAuth.checkRunning(),
    `FusionAuth is running at ${fusionAuthUrl}.`,
  );
  await terminal.step(
    'Checking the API key',
    () => fusionAuth.checkApiKey(),
    apiKey === undefined && demoKeyFor(fusionAuthUrl) !== undefined
      ? "No API key was given: FusionAuth accepts the kickstart's demo key."
      : 'FusionAuth accepts the API key.',
  );
}

/** What the client shall be. Scopes that it has already stay: somebody has added them. */
function describe(
  name: string,
  request: RegistrationRequest,
  existing: Parameters<typeof descriptionOf>[0] | undefined,
): ClientDescription {
  const { redirectUrls, resources, confidential } = request;
  const kept = existing === undefined ? [] : descriptionOf(existing).scopes;
  const added = request.scopes.filter((scope) => !kept.some((one) => one.name === scope)).map(scopeNamed);
  return { name, redirectUrls, resources, confidential, scopes: [...added, ...kept] };
}

/** What a host has to know of a client. */
export function outline(
  clientId: string,
  client: ClientDescription,
  host: Pick<RegistrationRequest, 'connector' | 'callbackPort' | 'proxyPath'>,
): Pick<Registration, 'clientId' | 'name' | 'scope' | 'resource' | 'configuration'> {
  const { callbackPort, proxyPath } = host;
  const scope = scopeText(client);
  const resource = client.resources[0] ?? '';
  const secretName = client.confidential ? secretNameOf(client) : undefined;
  const configuration = hostConfiguration({ clientId, scope, resource, callbackPort, proxyPath, secretName });
  const startsProxy = host.connector === undefined;
  return { clientId, name: client.name, scope, resource, configuration: startsProxy ? configuration : null };
}

/** What `mcp-keyhole secret set` may call the secret of a client. */
export function secretNameOf({ name }: Pick<ClientDescription, 'name'>): string {
  const words = name.toLowerCase().replaceAll(/[^a-z0-9]+/gu, '-');
  return words.replaceAll(/^-|-$/gu, '').slice(0, 64) || 'client';
}

/** Registers the kickstart's test user to the client, once. Returns the user's id, if there is one. */
function registerTestUser(
  fusionAuth: FusionAuth,
  terminal: Terminal,
  clientId: string,
): Promise<string | undefined> {
  return terminal.step(
    `Registering the test user ${testUser.email}`,
    async () => {
      const user = await fusionAuth.findUser(testUser.email);
      if (user === undefined) return undefined;
      if (!user.applicationIds.includes(clientId)) await fusionAuth.register(user.id, clientId);
      return user.id;
    },
    (id) =>
      id === undefined
        ? `There is no user ${testUser.email} here: sign in as one of your own users.`
        : `Registered the test user ${testUser.email}.`,
  );
}
