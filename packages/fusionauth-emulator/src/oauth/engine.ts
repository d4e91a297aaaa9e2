import type { Log } from '@mcp-keyhole/cli-kit';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Context } from '../context.ts';
import { isObject, textOf } from '../json.ts';
import { isRegistered } from '../store/registrations.ts';
import type { Store } from '../store/store.ts';
import {
  deliver,
  errorResponse,
  fromEngine,
  responseModes,
  successResponse,
} from './authorization-response.ts';
import { createAuthorization, requestedScopes } from './authorizations.ts';
import { consentNeeded } from './consent.ts';
import { applicationOf, engineConfiguration } from './engine-configuration.ts';
import { loadEngine } from './engine-module.ts';
import { EngineRequest } from './engine-request.ts';
import { redirectUriAllowed } from './redirect-uri.ts';
import { tokenErrorFromEngine } from './token-request.ts';
import { tokenResponse } from './token-response.ts';

/**
 * Creates the OAuth engine: sessions, codes with PKCE, refresh tokens and their rules are its work. What FusionAuth does
 * in its own way stands around it: `authorization-request.ts` before, `authorization-response.ts` and
 * `token-response.ts` after. Its issuer, signing keys and token formats are never seen from outside.
 */
export async function createEngine(
  context: Pick<Context, 'store' | 'events' | 'faults'>,
  log: Log,
): Promise<Provider> {
  const { store } = context;
  const { default: EngineProvider, interactionPolicy } = await loadEngine();
  const policy = interactionPolicy.base();
  const consent = policy.get('consent');
  const login = policy.get('login');
  if (consent === undefined || login === undefined)
    throw new Error('The engine has no login or consent prompt.');
  consent.checks.clear();
  consent.checks.add(
    new interactionPolicy.Check(
      'consent_needed',
      'The user has to consent.',
      'consent_required',
      (ctx) => ctx.oidc.result?.consent === undefined && contextNeedsConsent(store, ctx),
    ),
  );
  login.checks.add(
    new interactionPolicy.Check(
      'account_gone',
      'The user of this session no longer exists.',
      'login_required',
      (ctx) => ctx.oidc.session?.accountId !== undefined && ctx.oidc.entities.Account === undefined,
    ),
  );
  login.checks.add(
    new interactionPolicy.Check(
      'registration_missing',
      'The user of this session is not registered for the application.',
      'login_required',
      (ctx) =>
        applicationOf(store, ctx)?.oauthConfiguration.requireRegistration === true &&
        !isRegistered(store, ctx.oidc.session?.accountId, ctx.oidc.client?.clientId),
    ),
  );
  const engine: Provider = new EngineProvider('http://localhost', {
    ...(await engineConfiguration(store)),
    interactions: {
      policy,
      url: (_ctx, interaction) =>
        `/oauth2/${interaction.prompt.name === 'consent' ? 'consent' : 'login'}/${interaction.uid}`,
    },
    loadExistingGrant: async (ctx) => {
      const grantId = ctx.oidc.result?.consent?.grantId;
      if (grantId !== undefined) return engine.Grant.find(grantId);
      if (contextNeedsConsent(store, ctx)) return undefined;
      const id = await createAuthorization(engine, store, {
        userId: ctx.oidc.session?.accountId ?? '',
        params: ctx.oidc.params ?? {},
      });
      return engine.Grant.find(id);
    },
  });
  for (const mode of responseModes) {
    engine.registerResponseMode(`fusionauth_${mode}`, (ctx, redirectUri, payload) => {
      const answer = deliver(redirectUri, mode, responseFields(store, ctx, payload));
      if ('location' in answer) {
        ctx.status = 302;
        ctx.redirect(answer.location);
      } else {
        ctx.type = 'html';
        ctx.body = answer.page;
      }
    });
  }
  engine.use(async (ctx, next) => {
    await next();
    if (!(ctx.req instanceof EngineRequest) || ctx.req.exchange === undefined) return;
    if (ctx.status === 200)
      ctx.body = await tokenResponse(context, ctx as KoaContextWithOIDC, ctx.req.exchange);
  });
  engine.on('grant.error', (ctx, error) => {
    const refresh = ctx.oidc.params?.['grant_type'] === 'refresh_token';
    ctx.body = tokenErrorFromEngine(refresh, error.error_detail).toJSON();
  });
  engine.on('server_error', (_ctx, error) => {
    log.warn(`The OAuth engine failed: ${error.stack ?? error.message}`);
  });
  const { Client } = engine;
  Client.prototype.redirectUriAllowed = function allowed(this: InstanceType<typeof Client>, uri: string) {
    const application = store.applications.get(this.clientId);
    return application !== undefined && redirectUriAllowed(application, uri);
  };
  return engine;
}

function contextNeedsConsent(store: Store, ctx: KoaContextWithOIDC): boolean {
  const application = applicationOf(store, ctx);
  const userId = ctx.oidc.session?.accountId;
  if (application === undefined || userId === undefined) return false;
  return consentNeeded(store, {
    application,
    userId,
    scopes: requestedScopes(ctx.oidc.params ?? {}),
    forced: ctx.oidc.prompts.has('consent'),
  });
}

function responseFields(
  store: Store,
  ctx: KoaContextWithOIDC,
  payload: Readonly<Record<string, unknown>>,
): URLSearchParams {
  const state = textOf(payload['state']);
  const code = textOf(payload['code']);
  if (code === undefined) {
    return errorResponse(
      store,
      fromEngine(textOf(payload['error']) ?? 'server_error', textOf(payload['error_description'])),
      state,
    );
  }
  const params = isObject(ctx.oidc.params) ? ctx.oidc.params : {};
  return successResponse(store, {
    code,
    state,
    locale: textOf(params['locale']) ?? 'en',
    registered: isRegistered(store, ctx.oidc.session?.accountId, ctx.oidc.client?.clientId),
  });
}
