import type { Progress } from '@mcp-keyhole/cli-kit';
import type { StartConfig } from './config.ts';
import { errors } from './errors.ts';
import { binOf, Program } from './programs.ts';

/** How a host starts an MCP server. */
export interface ServerEntry {
  readonly command: string;
  readonly args: readonly string[];
}

/** What the setup tool says with `--json`. */
export interface Registration {
  readonly clientId: string;
  readonly name: string;
  readonly resource: string;
  readonly configuration: { readonly mcpServers: { readonly 'name-server': ServerEntry } };
  readonly testUser: { readonly email: string; readonly password: string } | null;
}

/** What is to be undone, the youngest first. */
export type Undo = (() => Promise<void>)[];

/** The emulator and the server, running, and what fails when one of them ends. */
export interface System {
  readonly fusionAuthUrl: string;
  readonly mcpServerUrl: string;
  /** Rejects when a program of the system ends by itself. */
  readonly failure: Promise<never>;
}

/** Starts the emulator and the server; `undo` gets what ends them. */
export async function startSystem(config: StartConfig, progress: Progress, undo: Undo): Promise<System> {
  const fusionAuthUrl = `http://localhost:${config.fusionAuthPort}`;
  const mcpServerUrl = `http://localhost:${config.port}`;
  // All that the programs would take from the environment is set: a shell may hold the settings of another system.
  const emulator = new Program(
    'The FusionAuth emulator',
    'fusionauth-emulator',
    ['--port', String(config.fusionAuthPort)],
    { FUSIONAUTH_EXTERNAL_URL: fusionAuthUrl },
  );
  undo.push(() => emulator.end());
  await progress.step(
    'Starting the FusionAuth emulator',
    () => emulator.ready(/ready at/u),
    `The FusionAuth emulator runs at ${fusionAuthUrl}.`,
  );
  const server = new Program('The MCP server', 'mcp-keyhole-server', [], {
    FUSIONAUTH_URL: fusionAuthUrl,
    FUSIONAUTH_EXTERNAL_URL: fusionAuthUrl,
    FUSIONAUTH_ISSUER: fusionAuthUrl,
    MCP_SERVER_URL: mcpServerUrl,
    HOST: '127.0.0.1',
    PORT: String(config.port),
    AUTH: 'on',
  });
  undo.push(() => server.end());
  await progress.step(
    'Starting the protected MCP server',
    () => server.ready(/"msg":"listening"/u),
    `The protected MCP server runs at ${mcpServerUrl}/mcp.`,
  );
  const failure = Promise.race([emulator.failure(), server.failure()]);
  failure.catch(() => undefined);
  return { fusionAuthUrl, mcpServerUrl, failure };
}

/** Registers a client with the setup tool. Its configuration starts the published proxy, or the one of this clone. */
export async function registerClient(
  config: StartConfig,
  system: System,
  progress: Progress,
): Promise<Registration> {
  const setup = async (): Promise<Registration> => {
    const program = new Program(
      'The setup tool',
      'mcp-keyhole-setup',
      [
        ...['--name', 'Claude Desktop', '--json'],
        ...['--fusionauth-url', system.fusionAuthUrl, '--mcp-server-url', system.mcpServerUrl],
        ...['--port', String(config.callbackPort)],
        ...(config.npx ? [] : ['--proxy-path', binOf('mcp-keyhole')]),
      ],
      // Empty: the emulator knows the kickstart's demo key, not one that the shell holds for a real FusionAuth.
      { FUSIONAUTH_API_KEY: '' },
    );
    if ((await program.ended) !== 0) throw errors.programFailed('The setup tool', program.words);
    return JSON.parse(program.stdout) as Registration;
  };
  return progress.step(
    'Registering a client with the setup tool',
    setup,
    ({ name, clientId }) => `Registered the client ${name} (client id ${clientId}).`,
  );
}
