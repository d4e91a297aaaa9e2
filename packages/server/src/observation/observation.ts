import type { Log } from '../log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { noTracing, type Tracing } from './tracing.ts';

/** Where all that is observed goes: to the log, into metrics, into traces. */
export interface Observation {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}

/** By default metrics that nobody reads yet, and no traces. */
export function observationOf(log: Log, parts: Partial<Observation> = {}): Observation {
  return { log, metrics: parts.metrics ?? createMetrics(), tracing: parts.tracing ?? noTracing };
}

/** Milliseconds since then, to a hundredth. */
export function millisecondsSince(begin: number): number {
  return Math.round((performance.now() - begin) * 100) / 100;
}
