import type { AppParts } from './app.ts';
import type { ServerConfig } from './config.ts';
import type { Log } from './log.ts';
import { version } from './mcp-server.ts';
import { serveMetrics } from './observation/metrics-server.ts';
import { createMetrics } from './observation/metrics.ts';
import { observationOf, type Observation } from './observation/observation.ts';
import { noTracing, startTracing } from './observation/tracing.ts';
import { createMemorySharedState } from './shared-state/memory-shared-state.ts';
import { connectRedisSharedState } from './shared-state/redis-shared-state.ts';
import type { SharedState } from './shared-state/shared-state.ts';

/** What a running server has around it, beside the app. */
export interface Surroundings {
  readonly observation: Observation;
  readonly sharedState: SharedState;
  readonly metricsPort: number | undefined;
  /** Ends all that was opened here. */
  close(): Promise<void>;
}

/**
 * Connects what the configuration names: Redis, a collector of traces, a port for metrics.
 *
 * @throws ServerError when the metrics port cannot be used
 */
export async function openSurroundings(
  config: ServerConfig,
  parts: AppParts,
  log: Log,
): Promise<Surroundings> {
  const observation = parts.observation ?? (await ownObservation(config, log));
  // Before any connection is made, since it is what may fail.
  const metricsServer =
    config.metricsPort === undefined
      ? undefined
      : await serveMetrics(observation.metrics, config.metricsHost, config.metricsPort);
  const sharedState = parts.sharedState ?? (await ownSharedState(config, log));
  return {
    observation,
    sharedState,
    metricsPort: metricsServer?.port,
    close: async () => {
      await metricsServer?.close();
      if (parts.observation === undefined) await observation.tracing.close();
      if (parts.sharedState === undefined) await sharedState.close();
    },
  };
}

async function ownObservation({ otlpEndpoint }: ServerConfig, log: Log): Promise<Observation> {
  const tracing = otlpEndpoint === undefined ? noTracing : await startTracing(otlpEndpoint, version, log);
  return observationOf(log, { metrics: createMetrics({ ofProcess: true }), tracing });
}

async function ownSharedState({ redisUrl }: ServerConfig, log: Log): Promise<SharedState> {
  return redisUrl === undefined ? createMemorySharedState() : connectRedisSharedState(redisUrl, log);
}
