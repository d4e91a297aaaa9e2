import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import { textOf } from '../json.ts';
import { messagePage } from '../pages/error.ts';
import { sendPage } from '../pages/send.ts';
import type { Application } from '../store/types.ts';

/** An authorization request that waits for the user. */
export interface PendingInteraction {
  readonly uid: string;
  readonly application: Application;
  readonly params: Readonly<Record<string, unknown>>;
  readonly redirectUri: string;
  /** The signed-in user, on the consent page. */
  readonly userId: string | undefined;
  readonly session: { readonly uid: string; readonly accountId: string } | undefined;
  /** The value that the page's form carries. */
  readonly csrf: string;
}

const csrfSecret = randomBytes(32);

/**
 * The interaction of this browser's cookie and this URL. Where there is none (an old tab, a restart of the emulator), a
 * page says so and the result is undefined.
 */
export async function pendingInteraction(
  { engine, store }: Context,
  request: Request<{ id: string }>,
  response: Response,
  prompt: 'login' | 'consent',
): Promise<PendingInteraction | undefined> {
  const details = await engine.interactionDetails(request, response).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'SessionNotFound') return undefined;
    throw error;
  });
  const application = store.applications.get(textOf(details?.params['client_id']) ?? '');
  if (details?.uid !== request.params.id || details.prompt.name !== prompt || application === undefined) {
    sendPage(
      response,
      messagePage(
        'This sign-in has expired',
        'It was finished in another tab, took too long, or the emulator was restarted. Go back to the application and sign in again.',
      ),
      { status: 400 },
    );
    return undefined;
  }
  return {
    uid: details.uid,
    application,
    params: details.params,
    redirectUri: textOf(details.params['redirect_uri']) ?? '',
    userId: details.session?.accountId,
    session: details.session,
    csrf: createHmac('sha256', csrfSecret).update(details.uid).digest('base64url'),
  };
}

/**
 * Whether the form was ours: it carries the interaction's value, which another site cannot read. (The cookie that names
 * the interaction is SameSite=Lax besides.) Otherwise answers 403.
 */
export function isOwnForm(pending: PendingInteraction, form: URLSearchParams, response: Response): boolean {
  const sent = Buffer.from(form.get('csrf') ?? '');
  const expected = Buffer.from(pending.csrf);
  if (sent.length === expected.length && timingSafeEqual(sent, expected)) return true;
  sendPage(
    response,
    messagePage('This form cannot be used', 'It was not sent from this page. Go back and try again.'),
    { status: 403 },
  );
  return false;
}
