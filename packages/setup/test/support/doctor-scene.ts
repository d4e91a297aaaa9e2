import { startEmulator, type Emulator, type EmulatorOptions } from '@mcp-keyhole/fusionauth-emulator';
import { createLog, loadConfig, startServer } from '@mcp-keyhole/server';
import { connect } from '../../src/api-key.ts';
import { register } from '../../src/clients/registration.ts';
import { command as doctorCommand } from '../../src/commands/doctor.ts';
import { command as registerCommand } from '../../src/commands/register.ts';
import { doctor } from '../../src/doctor/doctor.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { configOf, emptyTerminal } from './config.ts';

/** What came of one run of the doctor. */
export interface Visit {
  readonly exitCode: number;
  readonly codes: readonly string[];
  readonly findings: readonly Finding[];
  /** What could not be looked for. */
  readonly unseen: readonly { readonly code: string; readonly reason: string }[];
}

/** Runs the doctor. @throws what it throws */
export async function visit(...args: readonly string[]): Promise<Visit> {
  const config = configOf(doctorCommand, [...args, '--json']);
  let output = '';
  const exitCode = await doctor(config, { write: (words) => (output += words), confirm: undefined });
  const { findings, unseen } = JSON.parse(output) as Omit<Visit, 'exitCode' | 'codes'>;
  return { exitCode, codes: findings.map(({ code }) => code), findings, unseen };
}

/** A FusionAuth with our server behind it. */
export interface DoctorScene {
  readonly emulator: Emulator;
  readonly serverUrl: string;
  /** The MCP endpoint. */
  readonly endpoint: string;
  /** Calls the management API as an administrator would; a PATCH is a merge patch. */
  readonly admin: <Body>(method: string, path: string, body?: object) => Promise<Body>;
  /** Registers a client of the server with the setup tool. @returns its client id */
  readonly registered: (name: string, ...flags: readonly string[]) => Promise<string>;
  /** Runs the doctor with FusionAuth and the server. */
  readonly visit: (...args: readonly string[]) => Promise<Visit>;
  readonly close: () => Promise<void>;
}

/** Starts both on free ports; whoever starts a scene closes it. */
export async function doctorScene(options: EmulatorOptions = {}): Promise<DoctorScene> {
  const emulator = await startEmulator({ port: 0, ...options });
  const { url } = emulator;
  const server = await startServer(loadConfig(['--port', '0'], { FUSIONAUTH_URL: url }), {
    log: createLog({ destination: { write: () => undefined } }),
  });
  const connection = ['--fusionauth-url', url, '--mcp-server-url', server.url];
  return {
    emulator,
    serverUrl: server.url,
    endpoint: `${server.url}/mcp`,
    async admin(method, path, body) {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: emulator.apiKey ?? '', 'content-type': type },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: HTTP ${String(response.status)} ${text}`);
      return JSON.parse(text === '' ? '{}' : text) as never;
    },
    async registered(name, ...flags) {
      const config = configOf(registerCommand, [...connection, '--name', name, ...flags]);
      const terminal = emptyTerminal();
      return (await register(config, await connect(config, terminal), terminal)).clientId;
    },
    visit: (...args) => visit(...connection, ...args),
    async close() {
      await server.close();
      await emulator.close();
    },
  };
}
