import type { Command } from './host.ts';
import type { Platform } from './machine.ts';
import { hostErrors } from './errors.ts';

/** What an entry of a host has to say: which server, and as which client. */
export interface ProxyClient {
  /** The MCP server's URL, with its path. */
  readonly url: string;
  /** Undefined where the proxy registers itself, which FusionAuth does not offer. */
  readonly clientId: string | undefined;
  /** One scope each; none leaves them to the server. */
  readonly scopes: readonly string[];
  /** Where a sign-in comes back to, on this machine; the proxy's own default when undefined. */
  readonly callbackPort: number | undefined;
  /** The name under which `mcp-keyhole secret` keeps the client's secret. */
  readonly secretName?: string | undefined;
  /** Further arguments of the proxy. */
  readonly more?: readonly string[] | undefined;
}

/**
 * The arguments of the proxy for a client.
 *
 * None has a space or a quote by construction: hosts on Windows have passed arguments through a shell without quoting
 * them, which broke `--header "Name: value"` and JSON of other proxies. A URL has no spaces (`URL.href` escapes them),
 * a scope has none (RFC 6749, section 3.3), so each scope is an argument of its own, and what is left is digits and names.
 */
export function proxyArguments(client: ProxyClient): readonly string[] {
  const url = new URL(client.url);
  return [
    url.href,
    ...(client.callbackPort === undefined ? [] : [String(client.callbackPort)]),
    ...(url.protocol === 'http:' ? ['--allow-http'] : []),
    ...(client.clientId === undefined ? [] : ['--client-id', client.clientId]),
    ...client.scopes.flatMap((scope) => ['--scope', scope]),
    ...(client.secretName === undefined ? [] : ['--client-secret', `keychain:${client.secretName}`]),
    ...(client.more ?? []),
  ];
}

/**
 * What a host starts: `npx -y mcp-keyhole …` (`-y`, since a host has no terminal on which npx could ask), or node with
 * the proxy's own file.
 *
 * On Windows npx is a batch file. Node and Rust do not start those by their bare name, and each host has had its own
 * remedy for that, or none: Claude Code asks for `cmd /c`, Zed fails without it (zed-industries/zed 41435), the reference
 * servers of MCP document it for all (modelcontextprotocol/servers 3659). `cmd` itself every host can start.
 *
 * @throws SetupError `argument-unsafe` for what cmd would take for its own
 */
export function proxyCommand(client: ProxyClient, platform: Platform, proxyPath?: string): Command {
  const args = proxyArguments(client);
  if (proxyPath !== undefined) return { command: 'node', args: [proxyPath, ...args] };
  if (platform !== 'win32') return { command: 'npx', args: ['-y', 'mcp-keyhole', ...args] };
  const unsafe = args.find((argument) => /[\s"&|<>^%!()]/u.test(argument));
  if (unsafe !== undefined) throw hostErrors.argumentUnsafe(unsafe);
  return { command: 'cmd', args: ['/c', 'npx', '-y', 'mcp-keyhole', ...args] };
}

/** Whether an entry that stands in a file starts this proxy, or the one that it replaces. */
export function isProxyEntry(entry: unknown): boolean {
  return /mcp-keyhole|mcp-remote/u.test(JSON.stringify(entry));
}
