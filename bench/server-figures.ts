// The protected endpoint beside the same server unprotected, beside the guide's way, and beside the SDK's minimal server.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import autocannon from 'autocannon';
import { freePort } from '../e2e/support/free-port.ts';
import { PrivateHome } from '../e2e/support/private-home.ts';
import { Processes } from '../e2e/support/processes.ts';
import { registerClient, SignIn } from '../packages/fusionauth-emulator/test/support/client.ts';
import { containerNode, versionOf } from './container-node.ts';
import { root } from './peers.ts';
import { ProofKey } from './proofs.ts';
import { quantile, spreadOf } from './statistics.ts';
import type { Table } from './table.ts';

/** The kinds of `server-process.mjs`, and what they are. */
const kinds = {
  sdk: "the SDK's minimal express server, unprotected",
  open: 'ours, unprotected',
  // Beside the one that it is compared with.
  protected: 'ours, protected',
  guide: "ours, the guide's way: each request validated by FusionAuth",
  dpop: 'ours, protected, tokens bound to a key (DPoP): a proof verified with each call',
};

/** Calls that are made to each server before anything is counted. */
const warmUp = 6_000;
/** The emulator's well-known demo key. */
const apiKey = 'bf69486b-4733-4470-a592-f1bfce7af580';

type Sample = Readonly<Record<string, number>>;

const columns = [
  { key: 'rate', title: 'calls/s', digits: 0 },
  { key: 'p50', title: 'p50, ms', digits: 2 },
  { key: 'p99', title: 'p99, ms', digits: 1 },
  { key: 'cpu', title: 'CPU ms a call', digits: 2 },
  { key: 'resident', title: 'resident, MiB', digits: 0 },
];

/** Calls/s beside another server's in the same round: what else the machine does meanwhile befalls both alike. */
const shares = [
  { key: 'of-open', title: 'share of ours, unprotected', digits: 2, of: kinds.open },
  { key: 'of-sdk', title: "share of the SDK's", digits: 2, of: kinds.sdk },
];

/** How much is measured. */
interface Extent {
  readonly rounds: number;
  /** Of each round and server. */
  readonly calls: number;
  /**
   * Requests under way at once. With a few the load generator, which has a core of its own, sleeps between the answers, and a
   * server pays for waking it: a faster one more often, so that it looks slower than it is.
   */
  readonly connections: number;
}

/** The servers on the Node.js that runs us, and on that of the container image, whose servers are compared with one another. */
export async function serverFigures(
  extent: Extent,
  options: { inContainer: boolean },
): Promise<readonly Table[]> {
  const own = await figuresOn(process.execPath, extent);
  if (!options.inContainer) return [own];
  return [own, await figuresOn(containerNode(), extent)];
}

/** @param node the Node.js that the servers run on */
async function figuresOn(node: string, { rounds, calls, connections }: Extent): Promise<Table> {
  const processes = new Processes();
  const home = new PrivateHome();
  try {
    const emulator = processes.startBin('fusionauth-emulator', ['--port', '0'], { env: home.env });
    const [, url = ''] = await emulator.prints('stdout', /emulator ready at (http:\/\/\S+)/u);
    const servers = await Promise.all(
      Object.entries(kinds).map(async ([kind, name]) => ({
        name,
        load: await startLoad(node, kind, url, processes, home),
      })),
    );
    for (const { load } of servers) await load(warmUp, connections);
    const samples = new Map<string, Sample[]>(servers.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      const inTurn = round % 2 === 0 ? servers : servers.toReversed();
      for (const { name, load } of inTurn) samples.get(name)?.push(await load(calls, connections));
    }
    const rows = [...samples].map(([name, list]) => ({
      name,
      cells: {
        ...Object.fromEntries(
          columns.map(({ key }) => [key, spreadOf(list.map((sample) => sample[key] ?? Number.NaN))]),
        ),
        ...Object.fromEntries(
          shares.map(({ key, of }) => [key, spreadOf(list.map(rateBeside(samples.get(of))))]),
        ),
      },
    }));
    return {
      id: node === process.execPath ? 'server' : 'server-in-container',
      title: `The server, on Node.js ${versionOf(node)}`,
      notes: [
        `${rounds} rounds of ${calls} calls to each server in turn, ${connections} connections, a tool that costs nothing; the load generator runs on the same machine.`,
        'Ours write their log to a file. CPU is that of the server alone, and hardly depends on what else the machine does. A share is of the calls/s in the same round.',
      ],
      columns: [...columns, ...shares],
      rows,
      baseline: kinds.open,
    };
  } finally {
    await processes.close();
    home.remove();
  }
}

function rateBeside(others: readonly Sample[] = []): (sample: Sample, round: number) => number {
  const rateOf = (sample: Sample | undefined): number => sample?.['rate'] ?? Number.NaN;
  return (sample, round) => rateOf(sample) / rateOf(others[round]);
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

/** Starts a server of a kind. @returns what makes so many calls over so many connections, and measures them */
async function startLoad(
  node: string,
  kind: string,
  fusionAuthUrl: string,
  processes: Processes,
  home: PrivateHome,
): Promise<(calls: number, connections: number) => Promise<Sample>> {
  const port = await freePort();
  const resource = `http://127.0.0.1:${port}/mcp`;
  const fusionAuth = { url: fusionAuthUrl, apiKey };
  const clientId = await registerClient(fusionAuth, { authorizedResourceUris: [resource] });
  const proofKey = kind === 'dpop' ? new ProofKey() : undefined;
  const dpop = proofKey?.proof(`${fusionAuthUrl}/oauth2/token`);
  const token = await tokenFor(
    new SignIn(fusionAuth, clientId),
    resource,
    dpop === undefined ? {} : { dpop },
  );
  const script = path.join(root, 'bench/server-process.mjs');
  // Its log goes to a file: reading it here would take time from the load.
  const command = ['-c', 'exec "$0" "$@" > "$LOG"', node, script, kind, fusionAuthUrl];
  const env = { ...home.env, LOG: path.join(home.folder, `${kind}.log`) };
  const server = processes.start(kind, 'sh', [...command, String(port)], { env, cwd: root });
  await server.prints('stderr', /listening/u);
  return async (calls, connections) =>
    load(resource, { token, proofKey }, { calls, connections }, server.pid);
}

async function load(
  url: string,
  { token, proofKey }: { token: string; proofKey: ProofKey | undefined },
  { calls, connections }: { calls: number; connections: number },
  pid: number,
): Promise<Sample> {
  const requests = proofKey && proven(proofKey, url, token, calls);
  const before = cpuMilliseconds(pid);
  const { non2xx, errors, milliseconds, latencies } = await fire({
    ...(requests && { requests }),
    url,
    connections,
    amount: calls,
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
  });
  const cpu = cpuMilliseconds(pid) - before;
  if (non2xx + errors > 0) throw new Error(`${non2xx} refusals and ${errors} errors at ${url}`);
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return {
    rate: (1_000 * latencies.length) / milliseconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    cpu: cpu / latencies.length,
    resident: Number(kibibytes) / 1_024,
  };
}

/** What a load brought. */
interface Fired extends Pick<autocannon.Result, 'non2xx' | 'errors'> {
  /** From the load's start to its last answer. */
  readonly milliseconds: number;
  /** Of each answer in milliseconds, ascending. */
  readonly latencies: readonly number[];
}

/**
 * Makes a load. Autocannon's own figures are too coarse for it: it looks every 50 ms whether it is done, where a load takes
 * a third of a second, and its latencies are whole milliseconds.
 */
async function fire(options: autocannon.Options): Promise<Fired> {
  return new Promise((resolve, reject) => {
    let [begin, end] = [performance.now(), 0];
    const latencies: number[] = [];
    const instance = autocannon({ ...options, sampleInt: 50 }, (error: unknown, result) => {
      latencies.sort((a, b) => a - b);
      if (error === null || error === undefined) resolve({ ...result, milliseconds: end - begin, latencies });
      else reject(new Error('the load failed', { cause: error }));
    });
    instance.on('start', () => (begin = performance.now()));
    instance.on('response', (_client, _status, _bytes, latency) => {
      end = performance.now();
      latencies.push(latency);
    });
  });
}

/** The request with another proof each time, made beforehand, some more than are needed. */
function proven(proofKey: ProofKey, url: string, token: string, calls: number): autocannon.Request[] {
  const proofs = Array.from({ length: 2 * calls }, () => proofKey.proof(url, token));
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

/** What the threads of a process have used of all processors, from /proc. */
function cpuMilliseconds(pid: number): number {
  const threads = `/proc/${pid}/task`;
  return readdirSync(threads)
    .map((thread) => Number(readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e6)
    .reduce((sum, milliseconds) => sum + milliseconds);
}
