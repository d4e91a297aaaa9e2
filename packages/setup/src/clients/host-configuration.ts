/** What a host such as Claude Desktop reads: one MCP server, started over stdio. */
export interface HostConfiguration {
  readonly mcpServers: {
    readonly 'name-server': { readonly command: string; readonly args: readonly string[] };
  };
}

/** The configuration block that starts the proxy for one registered client. */
export function hostConfiguration(client: {
  clientId: string;
  /** Space-separated. */
  scope: string;
  /** The URL of the MCP endpoint. */
  resource: string;
  callbackPort: number;
  /** The proxy's own file, absolute, for starting it from a clone; undefined for the published package. */
  proxyPath: string | undefined;
  /** For a client with a secret: the name under which `mcp-keyhole secret` keeps it. */
  secretName?: string | undefined;
}): HostConfiguration {
  // `-y`: a host has no terminal on which npx could ask whether to install.
  const start =
    client.proxyPath === undefined
      ? { command: 'npx', args: ['-y', 'mcp-keyhole'] }
      : { command: 'node', args: [client.proxyPath] };
  return {
    mcpServers: {
      'name-server': {
        command: start.command,
        args: [
          ...start.args,
          client.resource,
          String(client.callbackPort),
          ...(client.resource.startsWith('http:') ? ['--allow-http'] : []),
          ...clientArguments(client),
        ],
      },
    },
  };
}

function clientArguments(client: {
  clientId: string;
  scope: string;
  secretName?: string | undefined;
}): readonly string[] {
  const { clientId, scope, secretName } = client;
  // The guide's form, where it will do.
  if (secretName === undefined) {
    return ['--static-oauth-client-info', JSON.stringify({ client_id: clientId, scope })];
  }
  const scopes = scope.split(' ').flatMap((name) => ['--scope', name]);
  return ['--client-id', clientId, ...scopes, '--client-secret', `keychain:${secretName}`];
}

/** Where Claude Desktop keeps its configuration on a platform, in the words of that platform. */
export function claudeDesktopFile(platform: NodeJS.Platform): string {
  if (platform === 'darwin') return '~/Library/Application Support/Claude/claude_desktop_config.json';
  if (platform === 'win32') return String.raw`%APPDATA%\Claude\claude_desktop_config.json`;
  return '~/.config/Claude/claude_desktop_config.json';
}
