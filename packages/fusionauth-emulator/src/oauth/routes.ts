import { Router } from 'express';
import type { Context } from '../context.ts';
import { authorizeRoute, resumeRoute } from './authorize-route.ts';
import { consentFormRoute, consentRoute } from './consent-route.ts';
import { deviceAuthorizeRoute, deviceFormRoute, deviceRoute } from './device-route.ts';
import { approveDeviceRoute, userCodeRoute, validateDeviceRoute } from './device-user-code-routes.ts';
import { discoveryRoute, jwksRoute } from './discovery-route.ts';
import { readForm } from './form.ts';
import { introspectRoute } from './introspect-route.ts';
import { listRefreshTokensRoute, revokeRoute, validateRoute } from './jwt-routes.ts';
import { loginFormRoute, loginRoute } from './login-route.ts';
import { logoutRoute } from './logout-route.ts';
import { tokenRoute } from './token-route.ts';
import { userinfoRoute } from './userinfo-route.ts';

/**
 * FusionAuth's OAuth endpoints. Not among them: `/.well-known/oauth-authorization-server` (RFC 8414), which FusionAuth
 * does not serve (fusionauth-issues #3488), and dynamic client registration.
 */
export function oauthRoutes(context: Context): Router {
  const router = Router();
  router.get('/.well-known/openid-configuration', discoveryRoute(context));
  router.get('/:tenantId/.well-known/openid-configuration', discoveryRoute(context));
  router.get('/.well-known/jwks.json', jwksRoute(context));
  router.get('/oauth2/authorize', authorizeRoute(context));
  router.get('/oauth2/authorize/:id', resumeRoute(context));
  router.route('/oauth2/login/:id').get(loginFormRoute(context)).post(readForm, loginRoute(context));
  router.route('/oauth2/consent/:id').get(consentFormRoute(context)).post(readForm, consentRoute(context));
  router.post('/oauth2/device_authorize', readForm, deviceAuthorizeRoute(context));
  router.route('/oauth2/device').get(deviceFormRoute(context)).post(readForm, deviceRoute(context));
  router.get('/oauth2/device/validate', validateDeviceRoute(context));
  router.post('/oauth2/device/user-code', readForm, userCodeRoute(context));
  router.post('/oauth2/device/approve', readForm, approveDeviceRoute(context));
  router.post('/oauth2/introspect', readForm, introspectRoute(context));
  router.post('/oauth2/token', readForm, tokenRoute(context));
  router.route('/oauth2/userinfo').get(userinfoRoute(context)).post(readForm, userinfoRoute(context));
  router.route('/oauth2/logout').get(logoutRoute(context)).post(readForm, logoutRoute(context));
  router.get('/api/jwt/validate', validateRoute(context));
  router.get('/api/jwt/refresh', listRefreshTokensRoute(context));
  router.delete(['/api/jwt/refresh', '/api/jwt/refresh/:id'], revokeRoute(context));
  return router;
}
