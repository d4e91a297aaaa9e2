import { cleanLine } from '@mcp-keyhole/cli-kit';
import { SetupError } from '../errors.ts';

/** A request that is answered with a page that says why not. */
export class Refusal extends Error {
  readonly status: number;
  readonly title: string;
  /** What the reader can do about it. */
  readonly remedy: string;
  /** Where that is done. */
  readonly link: { readonly href: string; readonly text: string };

  constructor(
    status: number,
    title: string,
    message: string,
    remedy: string,
    options: { link?: Refusal['link']; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Refusal';
    this.status = status;
    this.title = title;
    this.remedy = remedy;
    this.link = options.link ?? { href: '/', text: 'Your clients' };
  }
}

const signInAgain = { href: '/sign-in', text: 'Sign in again' };

/** All that a developer may be told, in one place. */
export const refusals = {
  signedOut: (to: string, changes: boolean) =>
    new Refusal(
      403,
      'Sign in first',
      changes
        ? 'You are not signed in any more, so nothing was changed.'
        : 'This page is for who is signed in.',
      'Sign in, and you are brought back here.',
      { link: { href: `/sign-in?to=${encodeURIComponent(to)}`, text: 'Sign in' } },
    ),
  forged: () =>
    new Refusal(
      403,
      'This form is out of date',
      'It was not made in your present session, so nothing was changed.',
      'Open the page again, and send the form from there.',
    ),
  notFound: () =>
    new Refusal(
      404,
      'There is nothing here',
      'You have no client with this address; perhaps it has been removed.',
      'Look at the clients that you have.',
    ),
  wrongHost: (portalUrl: string) =>
    new Refusal(
      421,
      'Wrong address',
      'This portal does not answer to that name.',
      `Its address is ${portalUrl}.`,
      {
        link: { href: portalUrl, text: 'Go there' },
      },
    ),
  unusableBody: (status: number) =>
    new Refusal(
      status,
      'This form cannot be read',
      status === 413 ? 'It is larger than any form of this portal.' : 'It is not what a browser sends.',
      'Open the page again, and send the form from there.',
    ),
  tooManyClients: (most: number) =>
    new Refusal(
      409,
      'You have enough clients',
      `Nobody may have more than ${String(most)} clients here.`,
      'Remove one that you do not use any more.',
    ),
  signInExpired: () =>
    new Refusal(
      400,
      'This sign-in is no longer valid',
      'It took longer than ten minutes, was begun in another browser, or has been used.',
      'Begin it again.',
      { link: signInAgain },
    ),
  signInRefused: (reason: string) =>
    new Refusal(
      403,
      'You are not signed in',
      `FusionAuth says: ${sentence(reason)}`,
      'You can try it again.',
      {
        link: signInAgain,
      },
    ),
  signInFailed: (reason: string, cause?: unknown) =>
    new Refusal(
      400,
      'You are not signed in',
      `What came back from FusionAuth cannot be used: ${sentence(reason)}`,
      'Begin again. If it stays so, tell whoever runs this portal.',
      { link: signInAgain, cause },
    ),
} as const;

/** Where FusionAuth or what is around it is at fault: outside only a sentence, the log has the rest. */
export function outage(error: unknown): Refusal {
  const code = error instanceof SetupError ? error.code : 'unexpected';
  const waits = ['fusionauth-unreachable', 'fusionauth-timeout', 'fusionauth-failed'].includes(code);
  const known = error instanceof SetupError;
  return new Refusal(
    known ? 503 : 500,
    waits ? 'FusionAuth does not answer' : 'Something is wrong with this portal',
    waits
      ? 'Without it nobody can sign in, and no client can be looked at or changed. Those you have go on working as long as their tokens do.'
      : 'What you asked for was not done.',
    `${waits ? 'Wait a minute and try again.' : 'It is not your fault.'} If it stays so, tell whoever runs this portal: [${code}].`,
    { link: { href: '/', text: 'Try again' }, cause: error },
  );
}

function sentence(text: string): string {
  return `${cleanLine(text).replace(/\.$/u, '')}.`;
}
