import type { CountingHost } from './counting-host.ts';

/** What a process holds: bytes, and the resources that keep its event loop alive, by name. */
export interface InnerLife {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly resources: Readonly<Record<string, number>>;
}

const mebibyte = 1 << 20;
const probe = new URL('inner-life.mjs', import.meta.url).href;

/** Looks into the proxy of a host that was started with {@link InnerLives.nodeFlags}. */
export class InnerLives {
  static readonly nodeFlags: readonly string[] = ['--expose-gc', '--import', probe];
  readonly #host: CountingHost;
  #looks = 0;

  constructor(host: CountingHost) {
    this.#host = host;
  }

  /** After a garbage collection. */
  async look(): Promise<InnerLife> {
    this.#looks += 1;
    this.#host.signal('SIGUSR2');
    const pattern = /^inner life: (.*)$/gmu;
    for (;;) {
      const line = [...this.#host.stderr.matchAll(pattern)][this.#looks - 1]?.[1];
      if (line !== undefined) return JSON.parse(line) as InnerLife;
      await this.#host.heard();
    }
  }
}

/** MiB that are in use, apart from what the allocator keeps for later. */
export function heldIn({ heapUsed, external }: InnerLife): number {
  return (heapUsed + external) / mebibyte;
}

/** As a line for people. */
export function held({ rss, heapUsed, external, resources }: InnerLife): string {
  const figure = (bytes: number): string => `${(bytes / mebibyte).toFixed(1)} MiB`;
  const counts = Object.entries(resources).map(([name, count]) => `${count} ${name}`);
  return `heap ${figure(heapUsed)}, external ${figure(external)}, resident ${figure(rss)}; ${counts.join(', ')}`;
}
