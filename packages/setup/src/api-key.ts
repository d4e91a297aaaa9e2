import { isLoopback } from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';
import { connectFusionAuth, type FusionAuth } from './fusionauth.ts';
import type { Terminal } from './terminal.ts';

/** The API key of `kickstart/kickstart.json`: public, in every clone and in FusionAuth's own example; for demonstrations only. */
export const demoApiKey = 'bf69486b-4733-4470-a592-f1bfce7af580';

/** What the connection options say. */
export interface Connection {
  readonly fusionAuthUrl: string;
  readonly apiKey: string | undefined;
  readonly tenantId: string | undefined;
}

/** The demo key, for a FusionAuth on this machine only: it must not be tried on one somewhere else. */
export function demoKeyFor(fusionAuthUrl: string): string | undefined {
  return isLoopback(new URL(fusionAuthUrl)) ? demoApiKey : undefined;
}

/**
 * The API key: the given one, else on this machine the demo key, else what the person before the terminal types.
 *
 * @throws SetupError `api-key-missing`, `cancelled`
 */
export async function findApiKey(
  { apiKey, fusionAuthUrl }: Connection,
  { askApiKey }: Pick<Terminal, 'askApiKey'>,
): Promise<string> {
  const key = apiKey ?? demoKeyFor(fusionAuthUrl);
  if (key !== undefined) return key;
  if (askApiKey === undefined) throw errors.apiKeyMissing(fusionAuthUrl);
  return askApiKey(fusionAuthUrl);
}

/** Connects to FusionAuth as the connection options say. @throws SetupError as {@link findApiKey} */
export async function connect(connection: Connection, terminal: Terminal): Promise<FusionAuth> {
  return connectFusionAuth({
    url: connection.fusionAuthUrl,
    apiKey: await findApiKey(connection, terminal),
    tenantId: connection.tenantId,
  });
}
