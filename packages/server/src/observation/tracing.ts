import { setTimeout as delay } from 'node:timers/promises';
import { cleanLine, messageOf } from '@mcp-keyhole/cli-kit';
import type { Attributes, SpanKind } from '@opentelemetry/api';
import type { Log } from '../log.ts';

/** A piece of work in a trace. */
export interface Span {
  /** A piece of this piece. */
  child(name: string, attributes?: Attributes): Span;
  /** @param failure what went wrong, in a word; undefined when nothing did */
  end(attributes?: Attributes, failure?: string): void;
}

/** Makes traces, when anyone wants them. */
export interface Tracing {
  /**
   * The span of a request, part of the caller's trace when the headers name one (W3C Trace Context).
   *
   * @param headers as Node has them, names in lower case
   */
  request(name: string, headers: Readonly<Record<string, unknown>>, attributes: Attributes): Span;
  /** Sends what has not been sent. */
  close(): Promise<void>;
}

/** Milliseconds to send the last traces. */
const lastTracesDeadline = 1_000;

const noSpan: Span = { child: () => noSpan, end: () => undefined };

export const noTracing: Tracing = { request: () => noSpan, close: () => Promise.resolve() };

/**
 * Sends traces to an OpenTelemetry collector (OTLP over HTTP, JSON). The usual environment variables of the exporter and the
 * batches (OTEL_EXPORTER_OTLP_HEADERS, OTEL_BSP_…) count, and OTEL_SERVICE_NAME.
 *
 * @param endpoint the collector's base URL, such as http://localhost:4318
 */
export async function startTracing(endpoint: string, version: string, log: Log): Promise<Tracing> {
  // Loaded only here: most servers send no traces.
  const [
    api,
    { setGlobalErrorHandler, W3CTraceContextPropagator },
    exporters,
    { resourceFromAttributes },
    sdk,
  ] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/core'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace-base'),
  ]);
  setGlobalErrorHandler((error) => {
    log.warn({ detail: cleanLine(messageOf(error)) }, 'traces were not sent');
  });
  const provider = new sdk.BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': process.env['OTEL_SERVICE_NAME'] ?? 'mcp-keyhole-server',
      'service.version': version,
    }),
    spanProcessors: [
      new sdk.BatchSpanProcessor(
        new exporters.OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/u, '')}/v1/traces` }),
      ),
    ],
  });
  const tracer = provider.getTracer('mcp-keyhole-server', version);
  const propagator = new W3CTraceContextPropagator();

  const start = (name: string, kind: SpanKind, attributes: Attributes, parent = api.ROOT_CONTEXT): Span => {
    const span = tracer.startSpan(name, { kind, attributes }, parent);
    return {
      child: (childName, childAttributes = {}) =>
        start(childName, api.SpanKind.INTERNAL, childAttributes, api.trace.setSpan(parent, span)),
      end: (endAttributes = {}, failure) => {
        span.setAttributes(endAttributes);
        if (failure !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR, message: failure });
        span.end();
      },
    };
  };
  return {
    request: (name, headers, attributes) => {
      const parent = propagator.extract(api.ROOT_CONTEXT, headers, api.defaultTextMapGetter);
      return start(name, api.SpanKind.SERVER, attributes, parent);
    },
    close: async () => {
      // A collector that is away is tried for long, but a server that ends does not wait for it.
      const patience = new AbortController();
      const isSent = await Promise.race([
        provider.shutdown().then(() => true),
        delay(lastTracesDeadline, false, { signal: patience.signal }),
      ]).catch(() => false);
      patience.abort();
      if (!isSent) log.warn({}, 'the last traces were not sent');
    },
  };
}
