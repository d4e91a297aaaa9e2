import { Router } from 'express';
import { mergePatch, objectOf } from '../json.ts';
import { defaultCors } from '../store/defaults.ts';
import type { Store } from '../store/store.ts';
import type { CorsConfiguration } from '../store/types.ts';
import { Problems } from './api-error.ts';
import { bodyMember, Input } from './input.ts';

/** `/api/system-configuration`, of which only `corsConfiguration` has an effect. */
export function systemConfigurationRoutes(store: Store): Router {
  const router = Router();
  const present = (): object => ({ systemConfiguration: { corsConfiguration: store.cors } });
  router.get('/', (_request, response) => {
    response.json(present());
  });
  router.put('/', (request, response) => {
    const body = bodyMember(request.body, 'systemConfiguration');
    store.cors = readCors(body['corsConfiguration']);
    response.json(present());
  });
  router.patch('/', (request, response) => {
    const body = bodyMember(request.body, 'systemConfiguration');
    store.cors = readCors(mergePatch({ ...store.cors }, objectOf(body['corsConfiguration'])));
    response.json(present());
  });
  return router;
}

function readCors(body: unknown): CorsConfiguration {
  const problems = new Problems();
  const input = new Input(body, 'systemConfiguration.corsConfiguration', problems);
  const cors = {
    enabled: input.flag('enabled', false),
    allowCredentials: input.flag('allowCredentials', false),
    allowedOrigins: input.texts('allowedOrigins', defaultCors.allowedOrigins),
    allowedMethods: input.texts('allowedMethods', defaultCors.allowedMethods),
    allowedHeaders: input.texts('allowedHeaders', defaultCors.allowedHeaders),
    exposedHeaders: input.texts('exposedHeaders', defaultCors.exposedHeaders),
    preflightMaxAgeInSeconds: input.count('preflightMaxAgeInSeconds', 0, 0),
  };
  problems.throwIfAny();
  return cors;
}
