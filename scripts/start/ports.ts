import { createServer } from 'node:net';
import type { StartConfig } from './config.ts';
import { errors } from './errors.ts';

/**
 * Sees to it that the three ports are free, before anything is started.
 *
 * @throws StartError `port-in-use`
 */
export async function checkPorts(config: StartConfig): Promise<void> {
  const needed = [
    [config.fusionAuthPort, 'fusionauth-port', 'the FusionAuth emulator'],
    [config.port, 'port', 'the MCP server'],
    [config.callbackPort, 'callback-port', 'the sign-in'],
  ] as const;
  for (const [index, [port, flag, what]] of needed.entries()) {
    if (needed.slice(0, index).some(([other]) => other === port))
      throw errors.portInUse(port, flag, what, undefined);
    for (const host of ['127.0.0.1', '::1']) {
      const failure = await listenOnce(port, host);
      if (failure === undefined || isWithout(failure)) continue;
      throw failure.code === 'EADDRINUSE'
        ? errors.portInUse(port, flag, what, failure)
        : errors.portUnusable(port, flag, what, failure);
    }
  }
}

/** A machine without IPv6 has no ::1, which is no harm. */
function isWithout({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
}

function listenOnce(port: number, host: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
