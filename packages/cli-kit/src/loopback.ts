import { isIPv4 } from 'node:net';

/** Whether a URL's host is this machine by its very name: localhost (RFC 6761), 127.0.0.0/8 or [::1]. */
export function isLoopback(url: URL): boolean {
  // A final dot only says that the name is complete.
  const host = url.hostname.replace(/\.$/u, '');
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    (isIPv4(host) && host.startsWith('127.'))
  );
}
