import type { Provider } from 'oidc-provider';
import type { Faults } from './faults.ts';
import type { RunEngine } from './oauth/engine-request.ts';
import type { Store } from './store/store.ts';
import type { Events } from './webhooks/events.ts';

/** What every route works with. */
export interface Context {
  readonly store: Store;
  readonly events: Events;
  readonly faults: Faults;
  readonly engine: Provider;
  readonly runEngine: RunEngine;
}
