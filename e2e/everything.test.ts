// Whatever the reference server can do, a host gets through the proxy what it gets without, message by message.
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { comparable, streams } from './support/comparable.ts';
import { printFigures } from './support/crowd.ts';
import { startEverythingServer } from './support/everything-server.ts';
import { playEverything } from './support/everything-script.ts';
import { PrivateHome } from './support/private-home.ts';
import { Processes } from './support/processes.ts';
import { binFile } from './support/programs.ts';
import type { Recorded } from './support/recording.ts';

const processes = new Processes();
const home = new PrivateHome();
let direct: readonly Recorded[];
let proxied: readonly Recorded[];

/** Without resumption: the SDK resumes after each error answer too, and the server then says everything again. */
function directly(endpoint: URL): Transport {
  const reconnectionOptions = {
    initialReconnectionDelay: 1_000,
    maxReconnectionDelay: 1_000,
    reconnectionDelayGrowFactor: 1,
    maxRetries: 0,
  };
  return new StreamableHTTPClientTransport(endpoint, { reconnectionOptions });
}

function throughProxy(endpoint: URL): Transport {
  const args = [binFile('mcp-keyhole'), endpoint.href, '--token-store', 'memory'];
  return new StdioClientTransport({ command: process.execPath, args, env: home.env, stderr: 'ignore' });
}

beforeAll(async () => {
  const play = async (reach: (endpoint: URL) => Transport): Promise<readonly Recorded[]> => {
    const endpoint = await startEverythingServer(processes, home.env);
    return (await playEverything(reach(endpoint))).all;
  };
  [direct, proxied] = await Promise.all([play(directly), play(throughProxy)]);
});

afterAll(async () => {
  await processes.close();
  home.remove();
});

function expectSame(actual: readonly Recorded[], expected: readonly Recorded[]): void {
  for (const [index, recorded] of expected.entries()) {
    const other = actual[index];
    expect(other && comparable(other), `message ${index + 1}`).toEqual(comparable(recorded));
  }
  expect(actual).toHaveLength(expected.length);
}

test('requests, answers, what the server asks back and progress are the same as without the proxy', () => {
  expectSame(streams(proxied).conversation, streams(direct).conversation);
});

test('what the server sends of its own accord is the same as without the proxy', () => {
  expectSame(streams(proxied).announcements, streams(direct).announcements);
});

test('everything that the protocol has was there to be compared', () => {
  const methods = new Map<string, number>();
  for (const { from, message } of direct) {
    const name = 'method' in message ? message.method : 'error' in message ? 'error' : 'result';
    const key = `${name} from the ${from}`;
    methods.set(key, (methods.get(key) ?? 0) + 1);
  }
  expect([...methods.keys()]).toEqual(
    expect.arrayContaining([
      'sampling/createMessage from the server',
      'elicitation/create from the server',
      'roots/list from the server',
      'completion/complete from the host',
      'notifications/progress from the server',
      'notifications/message from the server',
      'notifications/resources/updated from the server',
      'notifications/resources/list_changed from the server',
      'notifications/cancelled from the host',
      'error from the server',
    ]),
  );
  const lines = [...methods].sort().map(([name, count]) => `${String(count).padStart(4)} ${name}`);
  printFigures(`server-everything, ${direct.length} messages compared`, lines);
});
