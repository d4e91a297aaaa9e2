import type { Application } from '@fusionauth/typescript-client';
import { clean } from '@mcp-keyhole/cli-kit';
import { descriptionOf, markerOf } from '../clients/application.ts';
import { planClient } from '../clients/client-plan.ts';
import { redirectUrls, resourceOf, scopeNamed, scopeText } from '../clients/client.ts';
import { carryOut, ownClients } from '../clients/clients.ts';
import { connectors, type Connector } from '../clients/connectors.ts';
import type { FusionAuth } from '../fusionauth.ts';
import type { PortalConfig } from './config.ts';
import { inTurn } from './in-turn.ts';
import { refusals } from './refusals.ts';

/** An MCP client that somebody registered for themselves. */
export interface OwnClient {
  readonly id: string;
  readonly name: string;
  /** The id of the host that it was registered for, as on the command line; of a connector with `for-` before it. */
  readonly host: string;
  /** The host, if it signs in by itself, without the proxy. */
  readonly connector: Connector | undefined;
  /** Where a sign-in comes back to the proxy; means nothing with a connector. */
  readonly callbackPort: number;
  /** The URL of the MCP endpoint that its tokens are for. */
  readonly resource: string;
  /** What its host asks for, one scope each. */
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly registered: number | undefined;
}

/** What somebody asks to be registered. */
export type ClientRequest = Pick<OwnClient, 'name' | 'host' | 'callbackPort'>;

/** The connector that a client's host is; undefined for a host that starts the proxy. */
export function connectorOf(host: string): Connector | undefined {
  return connectors.find(({ id }) => host === `for-${id}`);
}

/**
 * Each user's own MCP clients. Whose a client is stands in the application's data (`data.mcpKeyhole.owner`), which only
 * the holder of an API key can write; every call here looks there first.
 */
export class OwnClients {
  readonly #fusionAuth: FusionAuth;
  readonly #config: Pick<PortalConfig, 'mcpServerUrl' | 'maxClients' | 'scopes'>;
  readonly #turns = inTurn();

  constructor(fusionAuth: FusionAuth, config: Pick<PortalConfig, 'mcpServerUrl' | 'maxClients' | 'scopes'>) {
    this.#fusionAuth = fusionAuth;
    this.#config = config;
  }

  /** By name. @throws SetupError */
  async list(owner: string): Promise<readonly OwnClient[]> {
    const applications = await ownClients(this.#fusionAuth);
    return applications
      .map((application) => ownClient(application, owner))
      .filter((client) => client !== undefined);
  }

  /** @throws Refusal 404 for another user's client just as for one that does not exist; SetupError */
  async find(owner: string, id: string): Promise<OwnClient> {
    const isId = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/u.test(id);
    const application = isId ? await this.#fusionAuth.readApplication(id) : undefined;
    const client = application === undefined ? undefined : ownClient(application, owner);
    if (client === undefined) throw refusals.notFound();
    return client;
  }

  /**
   * Registers all of a client or nothing.
   *
   * @returns its id, and the secret of one that is confidential, which is told only now
   * @throws Refusal when there are too many; SetupError
   */
  register(
    owner: string,
    { name, host, callbackPort }: ClientRequest,
  ): Promise<{ id: string; clientSecret: string | undefined }> {
    // One after another: two at once would both count the clients before either is there.
    return this.#turns(owner, async () => {
      const { maxClients, mcpServerUrl, scopes } = this.#config;
      if ((await this.list(owner)).length >= maxClients) throw refusals.tooManyClients(maxClients);
      const connector = connectorOf(host);
      const client = {
        name,
        redirectUrls: connector?.redirectUrls ?? redirectUrls(callbackPort),
        resources: [resourceOf(mcpServerUrl)],
        scopes: scopes.map(scopeNamed),
        confidential: connector?.confidential === true,
      };
      const plan = planClient(client, { owner, host }, undefined);
      const { clientSecret } = await carryOut(this.#fusionAuth, plan);
      return { id: plan.clientId, clientSecret };
    });
  }

  /** Removes the client for good, and with it its tokens. @throws Refusal as {@link find}; SetupError */
  async remove(owner: string, id: string): Promise<OwnClient> {
    const client = await this.find(owner, id);
    await this.#fusionAuth.removeApplication(client.id);
    return client;
  }
}

function ownClient(application: Application, owner: string): OwnClient | undefined {
  const { id, active, insertInstant } = application;
  const marker = markerOf(application);
  if (id === undefined || active === false || marker?.owner !== owner) return undefined;
  const client = descriptionOf(application);
  const { host = '' } = marker;
  const [redirectUrl = ''] = client.redirectUrls;
  const port = URL.canParse(redirectUrl) ? Number(new URL(redirectUrl).port) : 0;
  return {
    id,
    name: clean(client.name),
    host,
    connector: connectorOf(host),
    callbackPort: port === 0 ? 80 : port,
    resource: client.resources[0] ?? '',
    scopes: scopeText(client).split(' '),
    registered: insertInstant,
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
