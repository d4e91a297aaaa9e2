import { quantile } from '../../bench/statistics.ts';
import type { Manner, Outcome } from './callers.ts';

/** What befalls the nodes while they are called, in this order. */
export const phases = ['four nodes', 'a node gone', 'Redis gone too', 'all back'] as const;
export type Phase = (typeof phases)[number];

/** A call, and what came of it. */
export interface Call {
  /** When it began. */
  readonly phase: Phase;
  readonly manner: Manner;
  readonly milliseconds: number;
  readonly outcome: Outcome;
  /** What the user must get; undefined when the token is bad. */
  readonly greeting: string | undefined;
}

/** A line: how many, and the time that they took. */
function figureOf(name: string, milliseconds: readonly number[]): string {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const [p50, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.99)].map((value) => value.toFixed(0));
  return `${name}: ${milliseconds.length} (p50 ${p50 ?? ''} ms, p99 ${p99 ?? ''} ms)`;
}

/** The outcomes of calls, all that were answered first, then by phase, kind of caller and kind of outcome, with the time that they took. */
export function outcomeFigures(calls: readonly Call[]): string[] {
  const groups = new Map<string, number[]>();
  for (const { phase: when, manner, milliseconds, outcome, greeting } of calls) {
    const name = `${when}, ${greeting === undefined ? 'bad token' : manner}: ${describe(outcome)}`;
    groups.set(name, [...(groups.get(name) ?? []), milliseconds]);
  }
  const order = ([name]: [string, number[]]): number => phases.findIndex((when) => name.startsWith(when));
  const sortedGroups = [...groups].sort().sort((a, b) => order(a) - order(b));
  const answered = calls.filter(({ outcome }) => outcome.kind === 'answered');
  return [
    figureOf(
      'answered in all',
      answered.map(({ milliseconds }) => milliseconds),
    ),
    ...sortedGroups.map(([name, times]) => figureOf(name, times)),
  ];
}

function describe(outcome: Outcome): string {
  if (outcome.kind !== 'refused') return outcome.kind;
  return `${outcome.status}${outcome.retryAfter === null ? '' : ' with Retry-After'}`;
}
