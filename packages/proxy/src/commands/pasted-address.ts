import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import type { PendingSignIn } from '../authorization/pending-sign-in.ts';

const answerWithin = 30_000;

/**
 * For a sign-in in a browser on another machine: there the redirect ends at a page that does not load, and the user
 * pastes its address here. It is handed to the callback server that waits on this machine, which checks it as if the
 * browser had come.
 */
export function passOnPastedAddress(pending: PendingSignIn, input: Readable, log: Log): { stop(): void } {
  log.info('after the sign-in, if the page does not load, paste its address here and press Enter');
  const lines = createInterface({ input });
  lines.on('line', (line) => {
    if (line.trim() === '') return;
    passOn(line.trim(), pending).catch((error: unknown) => {
      log.warn(
        `That address cannot be used: ${messageOf(error)}. Paste the address of the page after the sign-in.`,
      );
    });
  });
  return {
    stop: () => {
      lines.close();
    },
  };
}

async function passOn(line: string, pending: PendingSignIn): Promise<void> {
  const redirectUri = (await pending.url())?.searchParams.get('redirect_uri');
  if (redirectUri === undefined || redirectUri === null) throw new Error('no sign-in is waiting');
  const expected = new URL(redirectUri);
  const pasted = URL.canParse(line) ? new URL(line) : undefined;
  if (pasted?.pathname !== expected.pathname || !pasted.searchParams.has('state')) {
    throw new Error(`it does not begin with ${expected.href}`);
  }
  // Only the parameters are taken from what was pasted: where it goes is not for others to say.
  expected.search = pasted.search;
  const response = await fetch(expected, { redirect: 'manual', signal: AbortSignal.timeout(answerWithin) });
  await response.body?.cancel();
  if (response.status >= 400) throw new Error('it does not belong to the sign-in that is waiting');
}
