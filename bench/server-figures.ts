// The protected endpoint beside the same server unprotected, beside the guide's way, and beside the SDK's minimal server.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import autocannon from 'autocannon';
import { freePort } from '../e2e/support/free-port.ts';
import { PrivateHome } from '../e2e/support/private-home.ts';
import { Processes } from '../e2e/support/processes.ts';
import { registerClient, SignIn } from '../packages/fusionauth-emulator/test/support/client.ts';
import { root } from './peers.ts';
import { ProofKey } from './proofs.ts';
import { spreadOf } from './statistics.ts';
import type { Table } from './table.ts';

/** The kinds of `server-process.ts`, and what they are. */
const kinds = {
  sdk: "the SDK's minimal express server, unprotected",
  open: 'ours, unprotected',
  guide: "ours, the guide's way: each request validated by FusionAuth",
  protected: 'ours, protected',
  dpop: 'ours, protected, tokens bound to a key (DPoP): a proof verified with each call',
};

const connections = 16;
/** The emulator's well-known demo key. */
const apiKey = 'bf69486b-4733-4470-a592-f1bfce7af580';

type Sample = Readonly<Record<string, number>>;

const columns = [
  { key: 'rate', title: 'calls/s', digits: 0 },
  { key: 'p50', title: 'p50, ms', digits: 1 },
  { key: 'p99', title: 'p99, ms', digits: 1 },
  { key: 'resident', title: 'resident, MiB', digits: 0 },
];

export async function serverFigures({
  rounds,
  seconds,
}: {
  readonly rounds: number;
  readonly seconds: number;
}): Promise<readonly Table[]> {
  const processes = new Processes();
  const home = new PrivateHome();
  const port = await freePort();
  try {
    const emulator = processes.startBin('fusionauth-emulator', ['--port', '0'], { env: home.env });
    const [, url = ''] = await emulator.prints('stdout', /emulator ready at (http:\/\/\S+)/u);
    const resource = `http://127.0.0.1:${port}/mcp`;
    const clientId = await registerClient({ url, apiKey }, { authorizedResourceUris: [resource] });
    const signIn = new SignIn({ url, apiKey }, clientId);
    const token = await tokenFor(signIn, resource);
    const proofKey = new ProofKey();
    const boundToken = await tokenFor(signIn, resource, { dpop: proofKey.proof(`${url}/oauth2/token`) });
    const samples = new Map<string, Sample[]>();
    for (let round = 0; round < rounds; round += 1) {
      for (const [kind, name] of Object.entries(kinds)) {
        const command = [
          '--import',
          'tsx',
          path.join(root, 'bench/server-process.ts'),
          kind,
          url,
          String(port),
        ];
        const server = processes.start(kind, process.execPath, command, { env: home.env, cwd: root });
        await server.prints('stdout', /listening/u);
        const sample =
          kind === 'dpop'
            ? await load(resource, { token: boundToken, proofKey }, seconds, server.pid)
            : await load(resource, { token }, seconds, server.pid);
        await server.end();
        samples.set(name, [...(samples.get(name) ?? []), sample]);
      }
    }
    const rows = [...samples].map(([name, list]) => ({
      name,
      cells: Object.fromEntries(
        columns.map(({ key }) => [key, spreadOf(list.map((sample) => sample[key] ?? Number.NaN))]),
      ),
    }));
    return [
      {
        id: 'server',
        title: 'The server',
        notes: [
          `${rounds} interleaved rounds of ${seconds} s, each a new process, ${connections} connections, a tool that costs nothing; the load generator runs on the same machine.`,
        ],
        columns,
        rows,
        baseline: kinds.open,
      },
    ];
  } finally {
    await processes.close();
    home.remove();
  }
}

async function tokenFor(
  signIn: SignIn,
  resource: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const { body, text } = await signIn.exchange(await signIn.code({ resource }), { resource }, headers);
  if (typeof body['access_token'] !== 'string') throw new Error(`No token: ${text}`);
  return body['access_token'];
}

/** Calls a second that there are proofs for: more than any server here answers. */
const mostCalls = 5_000;

async function load(
  url: string,
  { token, proofKey }: { token: string; proofKey?: ProofKey },
  seconds: number,
  pid: number,
): Promise<Sample> {
  const options = {
    url,
    connections,
    method: 'POST' as const,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `${proofKey === undefined ? 'Bearer' : 'DPoP'} ${token}`,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'hello', arguments: {} },
    }),
  };
  const during = (duration: number): Promise<autocannon.Result> =>
    autocannon({
      ...options,
      duration,
      ...(proofKey && { requests: proven(proofKey, url, token, duration) }),
    });
  await during(1);
  const { non2xx, errors, requests, latency } = await during(seconds);
  if (non2xx + errors > 0) throw new Error(`${non2xx} refusals and ${errors} errors at ${url}`);
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return {
    rate: requests.average,
    p50: latency.p50,
    p99: latency.p99,
    resident: Number(kibibytes) / 1_024,
  };
}

/** The request with another proof each time, made beforehand: a server that wants more of them fails the measurement. */
function proven(proofKey: ProofKey, url: string, token: string, seconds: number): autocannon.Request[] {
  const proofs = Array.from({ length: mostCalls * seconds }, () => proofKey.proof(url, token));
  return [
    {
      setupRequest: (request) => {
        const dpop = proofs.pop();
        if (dpop === undefined) throw new Error('There are not enough proofs.');
        return { ...request, headers: { ...request.headers, dpop } };
      },
    },
  ];
}
