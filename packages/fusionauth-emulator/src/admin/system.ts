import { Router } from 'express';
import type { Store } from '../store/store.ts';
import { apiKeyOf } from './api-key.ts';

/** What answers without an API key. */
export function anonymousSystemRoutes(store: Store): Router {
  const router = Router();
  router.get('/api/status', (request, response) => {
    response.json(
      apiKeyOf(store, request) === undefined ? { status: 'ok' } : { status: 'ok', version: store.version },
    );
  });
  router.get('/api/health', (_request, response) => {
    response.status(200).end();
  });
  return router;
}
