import { createLog, loadConfig, startServer } from '@mcp-keyhole/server';
import { onTestFinished } from 'vitest';

/** The server of this repository, unprotected: "Hello, World!". */
export async function helloServer(): Promise<URL> {
  const server = await startServer(loadConfig(['--port', '0'], { AUTH: 'off' }), {
    log: createLog({ destination: { write: () => undefined } }),
  });
  onTestFinished(() => server.close());
  return new URL(`http://127.0.0.1:${server.port}/mcp`);
}
