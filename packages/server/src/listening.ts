import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errors, type PortOption } from './errors.ts';

/**
 * Lets a server listen.
 *
 * @param option the option that the port came from, for the remedy
 * @throws ServerError `port-in-use`, `port-not-permitted`, `host-not-available`
 */
export async function listen(
  server: Server,
  host: string,
  port: number,
  option: PortOption,
): Promise<AddressInfo> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw errors.portInUse(port, error, option);
    if (code === 'EACCES') throw errors.portNotPermitted(port, error, option);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
      throw errors.hostNotAvailable(host, error);
    }
    throw error;
  }
  return server.address() as AddressInfo;
}
