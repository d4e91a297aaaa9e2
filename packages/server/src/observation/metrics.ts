import type { ServerResponse } from 'node:http';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What is counted and measured. Labels come from small fixed sets: a stranger cannot make them grow. */
export interface Metrics {
  /** Counts a request as open until its response ends. */
  readonly opened: (response: ServerResponse) => void;
  readonly request: (labels: { method: string; route: string; status: string }, seconds: number) => void;
  readonly validation: (
    labels: { verifier: string; outcome: string; cache: string },
    seconds: number,
  ) => void;
  readonly toolCall: (labels: { tool: string; outcome: string }, seconds: number) => void;
  readonly rateLimitRefusal: (limit: string) => void;
  readonly fusionAuthSilent: (call: string, isSilent: boolean) => void;
  readonly streamCut: (reason: string) => void;
  /** Has the sessions of legacy clients counted whenever the metrics are read. */
  readonly countSessions: (count: () => Promise<number>) => void;
  readonly webhookEvent: (labels: { event: string; outcome: string }) => void;
  /** In Prometheus' text format. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
}

/** Upper bounds in seconds: from a cached token to a tool that takes its time. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * The metrics of one server, in a registry of their own (Prometheus).
 *
 * @param options.ofProcess also those of the process: memory, event loop, garbage collection
 */
export function createMetrics(options: { ofProcess?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.ofProcess === true) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: 'mcp_keyhole_http_request_duration_seconds',
    help: 'From the request to the end of its answer; streams last as long as they are open',
    labelNames: ['method', 'route', 'status'],
    buckets,
    registers,
  });
  const validations = new Histogram({
    name: 'mcp_keyhole_token_validation_duration_seconds',
    help: 'Validations of access tokens, by verifier, outcome and use of the cache',
    labelNames: ['verifier', 'outcome', 'cache'],
    buckets,
    registers,
  });
  const toolCalls = new Histogram({
    name: 'mcp_keyhole_tool_call_duration_seconds',
    help: 'Tool calls, by tool and outcome',
    labelNames: ['tool', 'outcome'],
    buckets,
    registers,
  });
  const refusals = new Counter({
    name: 'mcp_keyhole_rate_limit_refusals_total',
    help: 'Requests answered with 429, by the limit that was reached',
    labelNames: ['limit'],
    registers,
  });
  const webhookEvents = new Counter({
    name: 'mcp_keyhole_webhook_events_total',
    help: "FusionAuth's events, by what came of them; refused ones are of an unknown event",
    labelNames: ['event', 'outcome'],
    registers,
  });
  const silent = new Gauge({
    name: 'mcp_keyhole_fusionauth_silent',
    help: '1 while a call of FusionAuth gets no answer, by call; others are not made meanwhile',
    labelNames: ['call'],
    registers,
  });
  const cuts = new Counter({
    name: 'mcp_keyhole_streams_cut_total',
    help: 'Event streams that were cut because their token was revoked or expired',
    labelNames: ['reason'],
    registers,
  });
  const open = new Set<ServerResponse>();
  new Gauge({
    name: 'mcp_keyhole_active_streams',
    help: 'Event streams that are open',
    registers,
    collect() {
      this.set([...open].filter(isEventStream).length);
    },
  });
  let sessions = async (): Promise<number> => Promise.resolve(0);
  new Gauge({
    name: 'mcp_keyhole_legacy_sessions',
    help: 'Sessions of legacy clients, over all nodes; NaN while Redis does not answer',
    registers,
    async collect() {
      this.set(await sessions().catch(() => Number.NaN));
    },
  });
  return {
    opened: (response) => {
      open.add(response);
      response.once('close', () => open.delete(response));
    },
    request: (labels, seconds) => requests.observe(labels, seconds),
    validation: (labels, seconds) => validations.observe(labels, seconds),
    toolCall: (labels, seconds) => toolCalls.observe(labels, seconds),
    rateLimitRefusal: (limit) => refusals.inc({ limit }),
    fusionAuthSilent: (call, isSilent) => silent.set({ call }, Number(isSilent)),
    streamCut: (reason) => cuts.inc({ reason }),
    countSessions: (count) => void (sessions = count),
    webhookEvent: (labels) => webhookEvents.inc(labels),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

export function isEventStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type') ?? '').startsWith('text/event-stream');
}
