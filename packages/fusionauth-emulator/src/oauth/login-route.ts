import type { Request, RequestHandler } from 'express';
import { ApiError } from '../admin/api-error.ts';
import { presentUser } from '../admin/user-body.ts';
import type { Context } from '../context.ts';
import { textOf, type JsonObject } from '../json.ts';
import { formTarget } from '../pages/layout.ts';
import { loginPage } from '../pages/login.ts';
import { sendPage } from '../pages/send.ts';
import { passwordMatches } from '../store/passwords.ts';
import { userByLoginId } from '../store/store.ts';
import type { Application, User } from '../store/types.ts';
import { formOf } from './form.ts';
import { isOwnForm, pendingInteraction, type PendingInteraction } from './interaction.ts';

/** `GET /oauth2/login/{id}`: the login page. */
export function loginFormRoute(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const pending = await pendingInteraction(context, request, response, 'login');
    if (pending === undefined) return;
    sendPage(
      response,
      loginPage({ ...model(pending), loginId: textOf(pending.params['login_hint']) ?? '' }),
      {
        formTargets: formTarget(pending.redirectUri),
      },
    );
  };
}

/** `POST /oauth2/login/{id}`: credentials in, on to consent or back to the application. */
export function loginRoute(context: Context): RequestHandler<{ id: string }> {
  const { store, engine, events } = context;
  return async (request, response) => {
    const pending = await pendingInteraction(context, request, response, 'login');
    if (pending === undefined) return;
    const form = formOf(request);
    if (!isOwnForm(pending, form, response)) return;
    const loginId = form.get('loginId') ?? '';
    const user = userByLoginId(store, loginId);
    const matches = await passwordMatches(form.get('password') ?? '', user?.passwordHash);
    let problem =
      !matches || user?.active !== true ? 'Invalid login credentials.' : refusal(user, pending.application);
    if (user !== undefined) {
      const type = problem === undefined ? 'user.login.success' : 'user.login.failed';
      try {
        await events.publish(type, loginFields(pending, user, request), request);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        problem = error.message;
      }
    }
    if (user === undefined || problem !== undefined) {
      sendPage(
        response,
        loginPage({ ...model(pending), loginId, ...(problem === undefined ? {} : { problem }) }),
        {
          formTargets: formTarget(pending.redirectUri),
        },
      );
      return;
    }
    const returnTo = await engine.interactionResult(
      request,
      response,
      { login: { accountId: user.id, remember: form.get('rememberDevice') === 'true' } },
      { mergeWithLastSubmission: false },
    );
    await leavePreviousAccount(pending, user);
    response.status(303).set({ Location: returnTo, 'Cache-Control': 'no-store' }).end();
  };

  /** The engine would ask the previous user to log out first, on a page of its own that needs scripts. */
  async function leavePreviousAccount({ session }: PendingInteraction, user: User): Promise<void> {
    if (session === undefined || session.accountId === user.id) return;
    const previous = await engine.Session.findByUid(session.uid);
    if (previous === undefined) return;
    delete previous.accountId;
    delete previous.authorizations;
    await previous.persist();
  }
}

function loginFields(
  { application }: PendingInteraction,
  user: User,
  request: Pick<Request, 'ip'>,
): JsonObject {
  return {
    applicationId: application.id,
    authenticationType: 'PASSWORD',
    ipAddress: request.ip,
    user: presentUser(user),
  };
}

function refusal(user: User, { name, id, oauthConfiguration }: Application): string | undefined {
  const registered = user.registrations.some(({ applicationId }) => applicationId === id);
  return oauthConfiguration.requireRegistration && !registered
    ? `You are not registered for ${name}.`
    : undefined;
}

function model(pending: PendingInteraction): { applicationName: string; csrf: string } {
  return { applicationName: pending.application.name, csrf: pending.csrf };
}
