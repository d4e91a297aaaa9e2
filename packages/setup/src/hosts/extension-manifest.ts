import type { Platform } from './machine.ts';
import { proxyArguments, type ProxyClient } from './proxy-command.ts';

/** Where the proxy lies in the archive: npm put it there with everything that it needs. */
export const entryPoint = 'server/node_modules/mcp-keyhole/bin/mcp-keyhole.js';

/**
 * The manifest of a Claude Desktop extension for one client (MCPB manifest 0.3,
 * https://github.com/modelcontextprotocol/mcpb/blob/main/MANIFEST.md).
 *
 * The type is `node`: Claude Desktop brings Node.js along, so whoever installs the extension needs neither Node nor npm. For that type the
 * specification has all dependencies in the archive, so the proxy is inside, and not fetched by npx.
 */
export function extensionManifest(extension: {
  name: string;
  version: string;
  client: ProxyClient;
  platforms: readonly Platform[];
}): object {
  const { name, version, client, platforms } = extension;
  const { host } = new URL(client.url);
  return {
    manifest_version: '0.3',
    name,
    display_name: name,
    version,
    description: `The MCP server at ${host}, signed in to through your browser.`,
    long_description: `Connects to ${client.url}. Your browser opens once to sign in; the tokens are kept in the keychain of your computer.`,
    author: { name: 'Keyhole' },
    server: {
      type: 'node',
      entry_point: entryPoint,
      mcp_config: { command: 'node', args: [`\${__dirname}/${entryPoint}`, ...proxyArguments(client)] },
    },
    // The tools are the server's, which says them at run time.
    tools_generated: true,
    prompts_generated: true,
    compatibility: { platforms: [...platforms], runtimes: { node: '>=20.18.1' } },
    license: 'Apache-2.0',
  };
}
