import type { Provider } from 'oidc-provider';
import type { RunEngine } from './oauth/engine-request.ts';
import type { Store } from './store/store.ts';

/** What every route works with. */
export interface Context {
  readonly store: Store;
  readonly engine: Provider;
  readonly runEngine: RunEngine;
}
