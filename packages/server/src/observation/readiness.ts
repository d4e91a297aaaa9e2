import type { RequestHandler } from 'express';
import type { FusionAuth } from '../fusionauth.ts';
import type { SharedState } from '../shared-state/shared-state.ts';

/** What {@link readiness} looks at. */
export interface ReadinessChecks {
  /** Undefined: no tokens are asked for, so it is not needed. */
  readonly fusionAuth: FusionAuth | undefined;
  readonly sharedState: SharedState;
  /** True from the moment that the server has been asked to end. */
  readonly isDraining: () => boolean;
}

/** Milliseconds for which a look at FusionAuth counts: anyone may ask, and FusionAuth shall not feel it. */
const lookLifetime = 1_000;

/**
 * `/readyz`: 200 when this node should get requests, else 503, with each check by name. As with Kubernetes' own,
 * `?exclude=fusionauth` leaves a check out: load balancers do that, since without FusionAuth the known tokens go on working,
 * and all nodes at once would stop getting requests.
 */
export function readiness(checks: ReadinessChecks): RequestHandler {
  let look: { at: number; isReachable: Promise<boolean> } | undefined;
  const isFusionAuthReachable = (fusionAuth: FusionAuth): Promise<boolean> => {
    if (look === undefined || performance.now() - look.at > lookLifetime) {
      look = { at: performance.now(), isReachable: fusionAuth.openIdConfiguration().then(({ ok }) => ok) };
    }
    return look.isReachable;
  };
  return async (request, response) => {
    const excluded: readonly unknown[] = [request.query['exclude']].flat();
    const results: Record<string, string> = {
      draining: checks.isDraining() ? 'the server is ending' : 'ok',
      'shared-state': checks.sharedState.unreadiness() ?? 'ok',
    };
    if (checks.fusionAuth !== undefined && !excluded.includes('fusionauth')) {
      results['fusionauth'] = (await isFusionAuthReachable(checks.fusionAuth)) ? 'ok' : 'not reachable';
    }
    const isReady = Object.values(results).every((result) => result === 'ok');
    response.status(isReady ? 200 : 503).json({ status: isReady ? 'ok' : 'unavailable', checks: results });
  };
}
