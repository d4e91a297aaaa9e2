// Measures Keyhole's proxy side by side with mcp-remote in one run, interleaved, against the same loopback server without
// sign-in. Prints medians and the ratio; asserts nothing. Flags: --quick for fewer runs.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const root = path.join(import.meta.dirname, '..');
const quick = process.argv.includes('--quick');
const runs = quick ? 5 : 15;
const calls = quick ? 100 : 500;

interface Sample {
  /** Milliseconds from starting the process to its answer to `initialize`. */
  readonly start: number;
  /** Median milliseconds of one `tools/call` after another. */
  readonly call: number;
  /** Resident memory after the calls, MiB; undefined where /proc does not exist. */
  readonly resident: number | undefined;
}

const requireFromHere = createRequire(import.meta.url);
const mcpRemote = path.join(
  path.dirname(requireFromHere.resolve('mcp-remote/package.json')),
  'dist',
  'proxy.js',
);

async function main(): Promise<void> {
  const home = mkdtempSync(path.join(tmpdir(), 'keyhole-bench-'));
  const server = spawn(process.execPath, [path.join(root, 'packages/server/bin/mcp-keyhole-server.js')], {
    env: { ...process.env, AUTH: 'off', PORT: '0', HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await listeningAt(server);
    const commands = {
      'mcp-remote 0.15.1': [mcpRemote, url, '--allow-http'],
      keyhole: [path.join(root, 'packages/proxy/bin/mcp-keyhole.js'), url],
    };
    const samples = new Map<string, Sample[]>();
    for (let run = 0; run < runs; run += 1) {
      for (const [name, command] of Object.entries(commands)) {
        const sample = await measure(command, home);
        samples.set(name, [...(samples.get(name) ?? []), sample]);
      }
    }
    print(samples);
  } finally {
    server.kill();
    rmSync(home, { recursive: true, force: true });
  }
}

/** The MCP endpoint of our server, from the line it logs when it listens. */
async function listeningAt(server: ChildProcess): Promise<string> {
  if (server.stdout === null) throw new Error('the server has no stdout');
  for await (const line of createInterface({ input: server.stdout })) {
    const entry = JSON.parse(line) as { msg?: string; url?: string };
    if (entry.msg !== 'listening' || entry.url === undefined) continue;
    server.stdout.resume();
    return entry.url.endsWith('/mcp') ? entry.url : `${entry.url}/mcp`;
  }
  throw new Error('the server ended before it listened');
}

async function measure(command: readonly string[], home: string): Promise<Sample> {
  const started = performance.now();
  const proxy = spawn(process.execPath, command, {
    env: {
      ...process.env,
      HOME: home,
      MCP_KEYHOLE_DIR: path.join(home, 'keyhole'),
      MCP_REMOTE_CONFIG_DIR: path.join(home, 'remote'),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface({ input: proxy.stdout })[Symbol.asyncIterator]();
  const ask = async (id: number, method: string, params: object): Promise<void> => {
    proxy.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    for (;;) {
      const line = await lines.next();
      if (line.done === true) throw new Error(`${command.join(' ')} ended before it answered ${method}`);
      if ((JSON.parse(line.value) as { id?: number }).id === id) return;
    }
  };
  try {
    const clientInfo = { name: 'bench', version: '1' };
    await ask(0, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
    const start = performance.now() - started;
    proxy.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    const times: number[] = [];
    for (let id = 1; id <= calls; id += 1) {
      const before = performance.now();
      await ask(id, 'tools/call', { name: 'get_name', arguments: {} });
      times.push(performance.now() - before);
    }
    return { start, call: median(times), resident: await residentOf(proxy.pid) };
  } finally {
    proxy.stdin.end();
    if (proxy.exitCode === null)
      await Promise.race([once(proxy, 'exit'), once(AbortSignal.timeout(5_000), 'abort')]);
    if (proxy.exitCode === null) proxy.kill('SIGKILL');
  }
}

async function residentOf(pid: number | undefined): Promise<number | undefined> {
  if (process.platform !== 'linux' || pid === undefined) return undefined;
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  const kibibytes = /VmRSS:\s+(?<value>\d+) kB/u.exec(status)?.groups?.['value'];
  return kibibytes === undefined ? undefined : Number(kibibytes) / 1024;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function print(samples: ReadonlyMap<string, readonly Sample[]>): void {
  const cpu = cpus()[0]?.model ?? 'unknown processor';
  console.log(
    `${runs} interleaved runs, ${calls} calls each; Node ${process.version}, ${cpus().length} × ${cpu}`,
  );
  console.log('medians, lower is better\n');
  const rows = [...samples].map(([name, list]) => ({
    '': name,
    'start to initialize reply, ms': median(list.map(({ start }) => start)),
    'tools/call p50, ms': median(list.map(({ call }) => call)),
    'resident, MiB': median(list.map(({ resident }) => resident ?? Number.NaN)),
  }));
  const [peer, ours] = rows;
  for (const row of rows) console.log(format(row));
  if (peer === undefined || ours === undefined) return;
  const ratio = Object.fromEntries(
    Object.entries(ours).map(([key, value]) => [
      key,
      typeof value === 'number' ? value / Number(peer[key as keyof typeof peer]) : 'ratio to mcp-remote',
    ]),
  );
  console.log(format(ratio));
}

function format(row: Readonly<Record<string, string | number>>): string {
  return Object.entries(row)
    .map(([key, value]) =>
      typeof value === 'string' ? value.padEnd(22) : `${key} ${value.toFixed(2).padStart(8)}   `,
    )
    .join('');
}

await main();
