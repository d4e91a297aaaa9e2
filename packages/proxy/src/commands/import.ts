import { rm } from 'node:fs/promises';
import type { Log } from '@mcp-keyhole/cli-kit';
import { readRegistration } from '../authorization/client-registration.ts';
import type { ProxyConfig } from '../config.ts';
import { errors } from '../errors.ts';
import { openConnection, type Connection } from '../proxy.ts';
import type { StoredClient, TokenSet } from '../token-store/token-store.ts';
import { countSignIns, findSignIn, mcpRemoteFolder, type RemoteSignIn } from './mcp-remote-files.ts';
import type { Output } from './output.ts';
import { confirm, terminal, type Terminal } from './prompt.ts';
import { lookAt } from './server-look.ts';
import { describeSignIn } from './sign-in-words.ts';

/** Takes over the sign-in that mcp-remote keeps in plain text for a server, and deletes its files if that is wanted. */
export async function importSignIn(
  config: ProxyConfig,
  log: Log,
  signal: AbortSignal,
  output: Output,
  person: Terminal = terminal,
): Promise<number> {
  const folder = mcpRemoteFolder(config.environment);
  const { server } = config;
  if (server === undefined) {
    output.write(overview(await countSignIns(folder), folder));
    return 0;
  }
  if (config.tokenStore === 'memory') throw errors.memoryStoreRefused();
  const found = await findSignIn(folder, config);
  if (found === undefined) throw errors.importMissing(server, folder, await countSignIns(folder));
  // Memory would lose the sign-in at once, so that here `auto` means the keychain.
  const tokenStore = config.tokenStore === 'auto' ? 'keychain' : config.tokenStore;
  const connection = openConnection({ ...config, tokenStore }, server, log, signal);
  const store = await connection.openStore();
  const tokens =
    (await store.load(connection.key)) === undefined
      ? await toTokenSet(found, config, server, connection, signal)
      : undefined;
  if (tokens !== undefined && (await connection.bearerToken.adopt(tokens))) {
    output.write(
      `Took over the sign-in for ${server.href} from mcp-remote.\n${describeSignIn(tokens, store.place, Date.now())}`,
    );
  } else {
    output.write(`There is a sign-in for ${server.href} already; it was left as it is.\n`);
  }
  await cleanUp(found, config, signal, output, person);
  return 0;
}

function overview(count: number, folder: string): string {
  if (count === 0) return `mcp-remote keeps no sign-ins in ${folder}.\n`;
  const sign = count === 1 ? '1 sign-in' : `${count} sign-ins`;
  return (
    `mcp-remote keeps ${sign} in ${folder}. Its files do not say for which servers:\n` +
    `run \`mcp-keyhole import <server-url>\` for each server, with the flags that mcp-remote was given for it.\n`
  );
}

/** @throws ProxyError `import-refused`, or the codes of discovery */
async function toTokenSet(
  { tokens, client, writtenAt }: RemoteSignIn,
  config: ProxyConfig,
  server: URL,
  { endpointOptions, discover }: Connection,
  signal: AbortSignal,
): Promise<TokenSet> {
  const accessToken = text(tokens['access_token']);
  const refreshToken = text(tokens['refresh_token']);
  if (accessToken === undefined) throw errors.importRefused(server, 'its file holds no access token');
  const expiresAt = expiryOf(tokens, writtenAt);
  if (refreshToken === undefined && expiresAt !== undefined && expiresAt <= Date.now()) {
    throw errors.importRefused(server, 'it has ended, and there is no refresh token');
  }
  const storedClient = clientOf(client, config);
  if (config.client === undefined && storedClient === undefined) {
    throw errors.importRefused(
      server,
      'its client is one that you registered, so add --static-oauth-client-info with that client',
    );
  }
  const { challenge } = await lookAt(server, { endpointOptions, transport: config.transport, signal });
  const { authorizationServer, resource } = await discover(challenge ?? {});
  const issuer = text(tokens['issuer']) ?? text(client?.['issuer']) ?? authorizationServer.issuer;
  if (issuer !== authorizationServer.issuer) {
    throw errors.importRefused(
      server,
      `${issuer} issued it, but the server now sends its users to ${authorizationServer.issuer}`,
    );
  }
  return {
    accessToken,
    refreshToken,
    idToken: text(tokens['id_token']),
    expiresAt,
    scope: text(tokens['scope']) ?? text(tokens['requested_scope']),
    requestedScope: text(tokens['requested_scope']),
    issuer,
    resource,
    client: storedClient,
  };
}

/** Earlier releases kept only how long the token lasts, in seconds from when the file was written. */
function expiryOf(tokens: RemoteSignIn['tokens'], writtenAt: number): number | undefined {
  const at = Number(tokens['expires_at']);
  if (at > 0) return at;
  const lifetime = Number(tokens['expires_in']);
  return lifetime > 0 ? Math.round(writtenAt + lifetime * 1_000) : undefined;
}

/** The client that the configuration does not name; mcp-remote keeps none that it was given. */
function clientOf(client: RemoteSignIn['client'], config: ProxyConfig): StoredClient | undefined {
  if (config.client !== undefined) return undefined;
  const redirectUris: unknown = client?.['redirect_uris'];
  const redirectUri = text(Array.isArray(redirectUris) ? redirectUris[0] : undefined);
  const registered = readRegistration(client ?? {}, redirectUri ?? '');
  if (registered === undefined) {
    return config.clientMetadataUrl === undefined ? undefined : { clientId: config.clientMetadataUrl.href };
  }
  return redirectUri === undefined ? { ...registered, registration: undefined } : registered;
}

async function cleanUp(
  { files }: RemoteSignIn,
  { deleteFiles }: ProxyConfig,
  signal: AbortSignal,
  output: Output,
  person: Terminal,
): Promise<void> {
  const list = files.map((file) => `  ${file}\n`).join('');
  const question = `mcp-remote's files hold the tokens in plain text:\n${list}Delete them?`;
  if (deleteFiles || (person.input.isTTY === true && (await confirm(person, question, signal)))) {
    for (const file of files) await rm(file, { force: true });
    output.write(`Deleted mcp-remote's files:\n${list}`);
  } else {
    output.write(
      `mcp-remote's files were left; they hold the tokens in plain text (--delete-files deletes them):\n${list}`,
    );
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
