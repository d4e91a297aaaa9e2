// Where the proxy's time goes: V8's own samples of calls one after another and of many at once, summed by what runs.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Host } from './host.ts';
import { floor, keyhole, peers, type Stage } from './peers.ts';
import { spreadOf } from './statistics.ts';
import type { Table } from './table.ts';

interface Profile {
  readonly nodes: readonly { id: number; callFrame: { functionName: string; url: string } }[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

/** The first whose pattern matches a frame's `function url` has its time. */
const groups: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['waiting', /^\(idle\) /u],
  ['garbage collector', /^\(garbage collector\) /u],
  ['system calls that write', /^(?:writev|writeBuffer|writeUtf8String|writeLatin1String) /u],
  [
    "Node's HTTP client, sockets and streams",
    / node:(?:_http|http|net|stream|internal\/stream|internal\/url|url|_tls)/u,
  ],
  [
    "Node's events, timers and promises",
    / node:(?:events|timers|internal\/(?:timers|process\/task|event_target|abort)|async_hooks|internal\/async_hooks)/u,
  ],
  ['promises', /^(?:runMicrotasks) /u],
  ['starting and loading modules', / node:/u],
  ['code of the program', / file:|\/dist\/|\/bench\//u],
  ['V8 and the rest', /./u],
];

/** @param runs profiles of each program, a new process each */
export async function profileFigures(stage: Stage, runs: number): Promise<readonly Table[]> {
  const url = await stage.serve();
  const calls = { alone: 1_000, together: 5_000 };
  const rows = new Map<string, Record<string, number[]>>(groups.map(([name]) => [name, {}]));
  for (let run = 0; run < runs; run += 1) {
    for (const peer of [keyhole, floor]) {
      for (const [manner, count] of Object.entries(calls)) {
        const start = await sampled(stage, peer, url, () => Promise.resolve());
        const whole = await sampled(stage, peer, url, async (host) => {
          if (manner === 'together') await host.throughput(count, 64);
          else for (let call = 0; call < count; call += 1) await host.call(16);
        });
        for (const [name, cells] of rows) {
          const micros = ((whole.get(name) ?? 0) - (start.get(name) ?? 0)) / count;
          (cells[`${peer}-${manner}`] ??= []).push(Math.max(0, micros));
        }
      }
    }
  }
  return [
    {
      id: 'profile',
      title: 'Where the time of a call goes',
      notes: [
        `Microseconds a call, by V8's samples: ${calls.alone} calls one after another, ${calls.together} with 64 in flight; what starting takes is taken off.`,
        'A call among many costs less, as several are read and written at once; waiting is for the server and the host.',
      ],
      columns: [
        { key: `${keyhole}-alone`, title: 'keyhole, alone', digits: 0 },
        { key: `${floor}-alone`, title: 'floor, alone', digits: 0 },
        { key: `${keyhole}-together`, title: 'keyhole, 64 in flight', digits: 0 },
        { key: `${floor}-together`, title: 'floor, 64 in flight', digits: 0 },
      ],
      rows: [...rows].map(([name, cells]) => ({
        name,
        cells: Object.fromEntries(Object.entries(cells).map(([key, values]) => [key, spreadOf(values)])),
      })),
    },
  ];
}

/** Microseconds by group of one process from its start to its end. */
async function sampled(
  stage: Stage,
  peer: string,
  url: string,
  work: (host: Host) => Promise<void>,
): Promise<ReadonlyMap<string, number>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'keyhole-profile-'));
  try {
    const [program = '', ...args] = peers[peer]?.(url) ?? [];
    const profiling = ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${folder}`];
    const host = new Host([program, ...profiling, ...args], stage.environment(stage.home()));
    await host.initialize();
    await work(host);
    await host.close();
    const sums = new Map<string, number>();
    for (const file of readdirSync(folder)) {
      const profile = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Profile;
      const names = new Map(
        profile.nodes.map(({ id, callFrame }) => [id, groupOf(`${callFrame.functionName} ${callFrame.url}`)]),
      );
      profile.samples.forEach((id, index) => {
        const name = names.get(id) ?? '';
        sums.set(name, (sums.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0));
      });
    }
    return sums;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function groupOf(frame: string): string {
  return groups.find(([, pattern]) => pattern.test(frame))?.[0] ?? '';
}
