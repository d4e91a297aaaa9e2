import { createRequire } from 'node:module';
import { freePort } from './free-port.ts';
import type { Environment } from './private-home.ts';
import type { Processes } from './processes.ts';

/**
 * Starts MCP's reference server for everything that the protocol has (`@modelcontextprotocol/server-everything`), over
 * Streamable HTTP. It keeps state across sessions, so whoever compares starts one for each side.
 *
 * @returns its endpoint
 */
export async function startEverythingServer(processes: Processes, env: Environment): Promise<URL> {
  const file = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/server-everything/dist/index.js',
  );
  const port = String(await freePort());
  const server = processes.start('server-everything', process.execPath, [file, 'streamableHttp'], {
    env: { ...env, PORT: port },
  });
  await server.prints('stderr', /listening on port/u);
  return new URL(`http://localhost:${port}/mcp`);
}
