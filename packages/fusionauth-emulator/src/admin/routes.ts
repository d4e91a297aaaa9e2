import express, { Router } from 'express';
import type { Context } from '../context.ts';
import { generalProblem } from './api-error.ts';
import { requireApiKey } from './api-key.ts';
import { applicationRoutes } from './applications.ts';
import { keyRoutes } from './keys.ts';
import { checkActivation, reactorStatus } from './license.ts';
import { anonymousSystemRoutes } from './system.ts';
import { systemConfigurationRoutes } from './system-configuration.ts';
import { tenantRoutes } from './tenants.ts';
import { themeRoutes } from './themes.ts';
import { userRoutes } from './users.ts';
import { webhookRoutes } from './webhooks.ts';

/** FusionAuth's management API, as far as the emulator has it; the rest says so with 501. */
export function adminRoutes(context: Pick<Context, 'store' | 'events'>): Router {
  const { store } = context;
  const router = Router();
  router.use(anonymousSystemRoutes(store));
  router.use('/api', requireApiKey(store));
  router.use(
    '/api',
    express.json({ type: ['application/json', 'application/merge-patch+json'], limit: '1mb' }),
  );
  router.use('/api', (request, _response, next) => {
    const tenantId = request.get('x-fusionauth-tenantid');
    if (tenantId !== undefined && tenantId !== '' && tenantId !== store.tenant.id) {
      throw generalProblem(
        '[invalid]X-FusionAuth-TenantId',
        `There is no tenant with the id [${tenantId}]. The emulator has one: [${store.tenant.id}].`,
      );
    }
    next();
  });
  router.use('/api/application', applicationRoutes(context));
  router.use('/api/user', userRoutes(context));
  router.use('/api/tenant', tenantRoutes(context));
  router.use('/api/key', keyRoutes(store));
  router.use('/api/theme', themeRoutes(store));
  router.use('/api/webhook', webhookRoutes(store));
  router.use('/api/system-configuration', systemConfigurationRoutes(store));
  router.get('/api/reactor', (_request, response) => {
    response.json(reactorStatus(store));
  });
  router.post('/api/reactor', (_request, response) => {
    checkActivation(store);
    response.status(200).end();
  });
  router.get('/api/system/version', (_request, response) => {
    response.json({ version: store.version });
  });
  router.use('/api', (request) => {
    throw generalProblem(
      '[notEmulated]',
      `The FusionAuth emulator does not have ${request.method} ${request.originalUrl.split('?')[0] ?? ''}.`,
      501,
    );
  });
  return router;
}
