import { isIPv6 } from 'node:net';
import { InvalidValue } from '@mcp-keyhole/cli-kit';

/** An address or host name without port; IPv6 with or without its brackets. */
export function listenAddress(raw: string): string {
  const host = raw.replace(/^\[(?<address>.*)\]$/u, '$<address>');
  if (isIPv6(host) || urlOfHost(host)?.hostname === host.toLowerCase()) return host;
  throw new InvalidValue('it is an address or host name without port, such as 127.0.0.1 or 0.0.0.0');
}

/** The URL of a host name or address; undefined when it is neither. */
export function urlOfHost(host: string): URL | undefined {
  const origin = `http://${isIPv6(host) ? `[${host}]` : host}`;
  return URL.canParse(origin) ? new URL(origin) : undefined;
}
