import { errors } from '../errors.ts';
import type { FusionAuth } from '../fusionauth.ts';
import type { Terminal } from '../terminal.ts';
import { descriptionOf } from './application.ts';
import { redirectUrls, resourceOf, scopeText } from './client.ts';
import { findClient } from './clients.ts';
import { register, secretNameOf } from './registration.ts';

/** Which client a host is to use, where nobody has said its URL. */
export interface HostClientRequest {
  /** The name of the client, which is registered unless there is one. */
  readonly name: string;
  /** Its client id, if that was said; it has to exist then. */
  readonly clientId: string | undefined;
  /** The base URL of the MCP server, if that was said. */
  readonly mcpServerUrl: string | undefined;
  readonly callbackPort: number | undefined;
  /** Whether a client that does not exist is registered. */
  readonly registers: boolean;
  readonly fusionAuthUrl: string;
  readonly apiKey: string | undefined;
}

/** What the proxy has to be told of a client. */
export interface HostClient {
  readonly url: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly callbackPort: number;
  /** For a client with a secret: the name under which `mcp-keyhole secret` keeps it. */
  readonly secretName: string | undefined;
}

/**
 * Finds the client that a host uses in FusionAuth, or registers it.
 *
 * @throws SetupError `client-unknown`, `client-unsuitable`, and what a registration throws
 */
export async function findOrRegister(
  request: HostClientRequest,
  fusionAuth: FusionAuth,
  terminal: Terminal,
): Promise<HostClient> {
  const { name, clientId } = request;
  const isThere = clientId !== undefined || (await fusionAuth.findApplication(name)) !== undefined;
  if (!isThere && request.registers) await registerFor(request, fusionAuth, terminal);
  const application = await findClient(fusionAuth, clientId ?? name, { foreign: clientId !== undefined });
  const client = descriptionOf(application);
  const wanted = request.mcpServerUrl === undefined ? client.resources[0] : resourceOf(request.mcpServerUrl);
  if (wanted === undefined || !client.resources.includes(wanted)) {
    throw errors.clientUnsuitable(
      client.name,
      `its tokens are not for ${wanted ?? 'any MCP server'}`,
      '--add-resource URL',
    );
  }
  const callbackPort = request.callbackPort ?? portOf(client.redirectUrls);
  const url = callbackPort === undefined ? undefined : redirectUrls(callbackPort)[0];
  if (callbackPort === undefined || !client.redirectUrls.includes(url ?? '')) {
    throw errors.clientUnsuitable(client.name, 'no redirect URL of it leads to the proxy', '--port PORT');
  }
  return {
    url: wanted,
    clientId: application.id ?? '',
    scopes: scopeText(client).split(' '),
    callbackPort,
    secretName: client.confidential ? secretNameOf(client) : undefined,
  };
}

async function registerFor(
  request: HostClientRequest,
  fusionAuth: FusionAuth,
  terminal: Terminal,
): Promise<void> {
  const { callbackPort = 3334, mcpServerUrl = 'http://localhost:8000' } = request;
  await register(
    {
      ...request,
      callbackPort,
      redirectUrls: redirectUrls(callbackPort),
      resources: [resourceOf(mcpServerUrl)],
      scopes: ['get_name'],
      confidential: false,
      connector: undefined,
      foreign: false,
      proxyPath: undefined,
    },
    fusionAuth,
    terminal,
  );
}

/** The port of the proxy among redirect URLs. */
function portOf(urls: readonly string[]): number | undefined {
  const ports = urls.flatMap(
    (url) => /^http:\/\/localhost:(?<port>\d+)\/oauth\/callback$/u.exec(url)?.groups?.['port'] ?? [],
  );
  return ports[0] === undefined ? undefined : Number(ports[0]);
}
