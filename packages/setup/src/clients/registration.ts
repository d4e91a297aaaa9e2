import { randomUUID } from 'node:crypto';
import { demoKeyFor } from '../api-key.ts';
import { errors, SetupError } from '../errors.ts';
import type { FusionAuth } from '../fusionauth.ts';
import type { Terminal } from '../terminal.ts';
import { applicationRequest, resourceOf, scope, scopeRequest, testUser } from './application.ts';
import { hostConfiguration, type HostConfiguration } from './host-configuration.ts';

/** What is registered, and where. */
export interface RegistrationRequest {
  readonly name: string | undefined;
  readonly fusionAuthUrl: string;
  /** As given; undefined where another one is found. */
  readonly apiKey: string | undefined;
  readonly mcpServerUrl: string;
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
  readonly configuration: HostConfiguration;
  /** Who can sign in to try it; null when this FusionAuth does not have the kickstart's test user. */
  readonly testUser: { readonly email: string; readonly password: string } | null;
}

/**
 * Registers one MCP client: application, scope, and the test user's registration to it. When a later step fails, the
 * application of the first is removed again.
 *
 * @throws SetupError
 */
export async function register(
  config: RegistrationRequest,
  fusionAuth: FusionAuth,
  terminal: Terminal,
): Promise<Registration> {
  const { name: given } = config;
  const findName = given === undefined ? terminal.askName : () => Promise.resolve(given);
  if (findName === undefined) throw errors.nameMissing();
  terminal.heading('Keyhole: MCP client setup for FusionAuth');
  await terminal.step(
    `Checking FusionAuth at ${config.fusionAuthUrl}`,
    () => fusionAuth.checkRunning(),
    `FusionAuth is running at ${config.fusionAuthUrl}.`,
  );
  await terminal.step(
    'Checking the API key',
    () => fusionAuth.checkApiKey(),
    config.apiKey === undefined && demoKeyFor(config.fusionAuthUrl) !== undefined
      ? "No API key was given: FusionAuth accepts the kickstart's demo key."
      : 'FusionAuth accepts the API key.',
  );
  const name = await findName();
  const clientId = randomUUID();
  const user = await create(fusionAuth, terminal, { clientId, name, config });
  const resource = resourceOf(config.mcpServerUrl);
  return {
    clientId,
    name,
    scope,
    resource,
    configuration: hostConfiguration({
      clientId,
      scope,
      resource,
      callbackPort: config.callbackPort,
      proxyPath: config.proxyPath,
    }),
    testUser: user === undefined ? null : testUser,
  };
}

/** Creates all three or none. Returns the id of the test user, if there is one. */
async function create(
  fusionAuth: FusionAuth,
  terminal: Terminal,
  client: { clientId: string; name: string; config: RegistrationRequest },
): Promise<string | undefined> {
  const { clientId, name } = client;
  try {
    await terminal.step(
      `Creating ${name}`,
      () => fusionAuth.createApplication(clientId, applicationRequest({ ...client.config, name })),
      `Created ${name} (client id ${clientId}).`,
    );
  } catch (error) {
    // Without an answer the application may exist all the same; with one it does not.
    if (error instanceof SetupError && error.code === 'fusionauth-timeout') throw await undone(error);
    throw error;
  }
  try {
    await terminal.step(
      'Creating the scope get_name',
      () => fusionAuth.createScope(clientId, randomUUID(), scopeRequest()),
      'Created the scope get_name.',
    );
    return await terminal.step(
      `Registering the test user ${testUser.email}`,
      () => registerTestUser(fusionAuth, clientId),
      (id) =>
        id === undefined
          ? `There is no user ${testUser.email} here: sign in as one of your own users.`
          : `Registered the test user ${testUser.email}.`,
    );
  } catch (error) {
    throw await undone(error);
  }

  async function undone(reason: unknown): Promise<unknown> {
    try {
      await terminal.step(
        'Removing the half-made application',
        () => fusionAuth.removeApplication(clientId),
        'Removed the half-made application.',
      );
      return reason;
    } catch (second) {
      return reason instanceof SetupError ? errors.leftOver({ name, clientId }, reason, second) : reason;
    }
  }
}

async function registerTestUser(fusionAuth: FusionAuth, clientId: string): Promise<string | undefined> {
  const id = await fusionAuth.findUser(testUser.email);
  if (id !== undefined) await fusionAuth.register(id, clientId);
  return id;
}
