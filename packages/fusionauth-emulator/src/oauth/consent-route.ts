import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { consentPage } from '../pages/consent.ts';
import { formTarget } from '../pages/layout.ts';
import { sendPage } from '../pages/send.ts';
import { displayName } from '../store/display-name.ts';
import { createAuthorization, requestedResources, requestedScopes } from './authorizations.ts';
import { rememberConsent } from './consent.ts';
import { formOf } from './form.ts';
import { isOwnForm, pendingInteraction, type PendingInteraction } from './interaction.ts';
import { resolveScopes, type RequestedScope } from './scopes.ts';

/** `GET /oauth2/consent/{id}`: the consent page. */
export function consentFormRoute(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const pending = await pendingInteraction(context, request, response, 'consent');
    if (pending === undefined) return;
    const user = context.store.users.get(pending.userId ?? '');
    sendPage(
      response,
      consentPage({
        applicationName: pending.application.name,
        userName: user === undefined ? '' : displayName(user),
        scopes: scopesOf(pending),
        resources: requestedResources(pending.params),
        redirectUri: pending.redirectUri,
        csrf: pending.csrf,
      }),
      { formTargets: formTarget(pending.redirectUri) },
    );
  };
}

/** `POST /oauth2/consent/{id}`: Allow grants the required scopes and the ticked ones; anything else cancels. */
export function consentRoute(context: Context): RequestHandler<{ id: string }> {
  const { store, engine } = context;
  return async (request, response) => {
    const pending = await pendingInteraction(context, request, response, 'consent');
    if (pending === undefined) return;
    const form = formOf(request);
    if (!isOwnForm(pending, form, response)) return;
    response.set('Cache-Control', 'no-store');
    const { userId } = pending;
    if (form.get('decision') !== 'allow' || userId === undefined) {
      await engine.interactionFinished(
        request,
        response,
        { error: 'access_denied', error_description: 'The user canceled the consent.' },
        { mergeWithLastSubmission: false },
      );
      return;
    }
    const ticked = new Set(form.getAll('scope'));
    const scopes = scopesOf(pending)
      .filter(({ name, required }) => required || ticked.has(name))
      .map(({ name }) => name);
    rememberConsent(store, userId, pending.application.id, requestedScopes(pending.params));
    const grantId = await createAuthorization(engine, store, { userId, params: pending.params, scopes });
    await engine.interactionFinished(request, response, { consent: { grantId } });
  };
}

function scopesOf(pending: PendingInteraction): RequestedScope[] {
  return resolveScopes(pending.application, requestedScopes(pending.params));
}
