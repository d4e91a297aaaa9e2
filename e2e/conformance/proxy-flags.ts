import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';

/** What the suite says about the client, in `MCP_CONFORMANCE_CONTEXT`; which fields there are depends on the scenario. */
export interface ScenarioContext {
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly private_key_pem?: string;
  readonly valid_jwt?: string;
  readonly idp_issuer?: string;
  readonly idp_client_id?: string;
  readonly idp_id_token?: string;
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: Record<string, unknown> }[];
}

/** The client id that the suite expects of a client with a metadata document. */
const clientMetadataUrl = 'https://conformance-test.local/client-metadata.json';

/**
 * The proxy's arguments for a scenario, as its user would write them for a server of that kind.
 *
 * @param folder where the proxy keeps its state, and the client's secret
 */
export async function proxyArguments(
  serverUrl: string,
  scenario: string,
  context: ScenarioContext,
  folder: string,
): Promise<string[]> {
  // Scenarios run beside one another, and beside whoever has the usual port.
  const port = String(await freePort());
  const basics = [serverUrl, port, '--token-store', 'memory', '--auth-timeout', '20', '--debug'];
  return [...basics, ...clientFlags(scenario, context, folder)];
}

function clientFlags(scenario: string, context: ScenarioContext, folder: string): string[] {
  if (scenario === 'auth/basic-cimd') return ['--client-metadata-url', clientMetadataUrl];
  if (context.client_id === undefined) return [];
  const { client_id, client_secret, private_key_pem: key, valid_jwt: token } = context;
  const file = secretFile(folder, 'client.json', JSON.stringify({ client_id, client_secret }));
  return [
    ...['--static-oauth-client-info', `@${file}`],
    ...(key === undefined ? [] : ['--client-key', secretFile(folder, 'client.pem', key)]),
    ...(token === undefined ? [] : ['--workload-token', secretFile(folder, 'workload.jwt', token)]),
    ...identityFlags(context, folder),
    ...(scenario.startsWith('auth/client-credentials') ? ['--client-credentials'] : []),
  ];
}

/** The company's identity provider, and the ID token that the suite has got there. */
function identityFlags(context: ScenarioContext, folder: string): string[] {
  const { idp_issuer: issuer, idp_client_id: id, idp_id_token: token } = context;
  if (issuer === undefined || token === undefined) return [];
  const client = ['--identity-provider-client', JSON.stringify({ client_id: id })];
  const file = secretFile(folder, 'id-token.jwt', token);
  return ['--identity-provider', issuer, ...client, '--identity-token', file];
}

/** Writes a file that only its owner may read. */
function secretFile(folder: string, name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}
