import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { presentUser } from '../admin/user-body.ts';
import type { Context } from '../context.ts';
import { textOf } from '../json.ts';
import { deviceApprovalPage, deviceCodePage } from '../pages/device.ts';
import { messagePage } from '../pages/error.ts';
import { sendPage } from '../pages/send.ts';
import { passwordMatches } from '../store/passwords.ts';
import { userByLoginId } from '../store/store.ts';
import { checkClientAuthentication, identifyClient } from './client-authentication.ts';
import {
  createDeviceGrant,
  deviceCodeLifetime,
  deviceGrantByUserCode,
  deviceGrantType,
  pollInterval,
  saveDeviceGrant,
  type DeviceGrant,
} from './device-grants.ts';
import { baseUrl } from './discovery-route.ts';
import { formOf } from './form.ts';
import { answering } from './oauth-answer.ts';
import { Parameters } from './parameters.ts';
import { resolveScopes } from './scopes.ts';
import { checkGrantEnabled, checkTenant } from './token-rules.ts';

/** `POST /oauth2/device_authorize` (RFC 8628 section 3.1). */
export function deviceAuthorizeRoute({ store }: Context): RequestHandler {
  return answering((request) => {
    const parameters = new Parameters(formOf(request));
    checkTenant(store, parameters);
    const client = identifyClient(store, request.get('authorization'), parameters);
    const { application } = client;
    checkClientAuthentication(client, true);
    checkGrantEnabled(application, deviceGrantType);
    const scopes = resolveScopes(application, parameters.scopes).map(({ name }) => name);
    const grant = createDeviceGrant(store, application.id, scopes);
    const uri = application.oauthConfiguration.deviceVerificationURL ?? `${baseUrl(request)}/oauth2/device`;
    const complete = new URL(uri);
    complete.searchParams.set('user_code', grant.userCode);
    return {
      device_code: grant.deviceCode,
      expires_in: deviceCodeLifetime,
      interval: pollInterval,
      user_code: grant.userCode,
      verification_uri: uri,
      verification_uri_complete: complete.href,
    };
  });
}

const csrfSecret = randomBytes(32);

/** `GET /oauth2/device`: where the user types the code that the device shows; with it in the address, what it asks for. */
export function deviceFormRoute({ store }: Context): RequestHandler {
  return (request, response) => {
    const typed = textOf(request.query['user_code']);
    const grant = typed === undefined ? undefined : deviceGrantByUserCode(store, typed);
    if (grant === undefined) {
      const problem = typed === undefined ? undefined : 'This code is not known, was used, or has expired.';
      sendPage(response, deviceCodePage(typed ?? '', problem));
    } else {
      sendPage(response, deviceApprovalPage(model({ store }, grant, '')));
    }
  };
}

/** `POST /oauth2/device`: credentials in, and the device may or may not. */
export function deviceRoute(context: Context): RequestHandler {
  const { store, events } = context;
  return async (request, response) => {
    const form = formOf(request);
    const grant = deviceGrantByUserCode(store, form.get('user_code') ?? '');
    if (grant === undefined) {
      sendPage(response, deviceCodePage('', 'This code is not known, was used, or has expired.'));
      return;
    }
    if (!sameText(form.get('csrf') ?? '', csrf(grant))) {
      const message = 'It was not sent from this page. Go back and try again.';
      sendPage(response, messagePage('This form cannot be used', message), { status: 403 });
      return;
    }
    if (form.get('decision') !== 'allow') {
      saveDeviceGrant(store, { ...grant, denied: true });
      sendPage(
        response,
        messagePage('Not connected', 'The device was not given access. You can close this page.'),
      );
      return;
    }
    const loginId = form.get('loginId') ?? '';
    const user = userByLoginId(store, loginId);
    const matches = await passwordMatches(form.get('password') ?? '', user?.passwordHash);
    if (!matches || user?.active !== true) {
      sendPage(response, deviceApprovalPage(model(context, grant, loginId, 'Invalid login credentials.')));
      return;
    }
    const fields = { applicationId: grant.applicationId, user: presentUser(user) };
    await events.publish('user.login.success', fields, request);
    const ticked = new Set(form.getAll('scope'));
    const granted = asked(context, grant)
      .filter(({ name, required }) => required || ticked.has(name))
      .map(({ name }) => name);
    saveDeviceGrant(store, { ...grant, userId: user.id, granted });
    sendPage(response, messagePage('Connected', 'Your device is connected. You can close this page.'));
  };
}

function asked({ store }: Pick<Context, 'store'>, grant: DeviceGrant) {
  const application = store.applications.get(grant.applicationId);
  return application === undefined ? [] : resolveScopes(application, grant.scopes);
}

function model(context: Pick<Context, 'store'>, grant: DeviceGrant, loginId: string, problem?: string) {
  return {
    applicationName: context.store.applications.get(grant.applicationId)?.name ?? '',
    userCode: grant.userCode,
    scopes: asked(context, grant),
    csrf: csrf(grant),
    loginId,
    problem,
  };
}

function csrf({ deviceCode }: DeviceGrant): string {
  return createHmac('sha256', csrfSecret).update(deviceCode).digest('base64url');
}

function sameText(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
}
