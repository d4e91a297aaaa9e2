import type { ServerResponse } from 'node:http';
import type { AuthInfo } from '@modelcontextprotocol/server';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { callerOf } from './caller.ts';
import { isEventStream } from './observation/metrics.ts';
import type { Observation } from './observation/observation.ts';
import { isRevoked, subjectsOf } from './shared-state/revocation-check.ts';
import type { Revocations } from './shared-state/shared-state.ts';

/** Why a stream is cut. */
export type TokenEnd = 'revoked' | 'expired';

/** Milliseconds between two looks for tokens that have expired. */
const pause = 1_000;

/** An answer that is being given, and to whom. */
interface Answer {
  readonly response: ServerResponse;
  readonly authInfo: AuthInfo;
  isRevoked: boolean;
}

/**
 * Cuts event streams, of whichever era, when the token that they were opened with has expired or been revoked: a token that
 * is checked at the beginning only would read on for as long as the stream is open. The client comes again, as after any cut,
 * and gets 401. An answer that is no stream is given to its end.
 */
export class StreamsOfTokens {
  readonly #revocations: Revocations;
  readonly #observation: Observation;
  readonly #answers = new Set<Answer>();
  /** What was revoked since the last look. */
  readonly #revoked = new Set<string>();
  #isLooking = false;

  constructor(revocations: Revocations, observation: Observation) {
    this.#revocations = revocations;
    this.#observation = observation;
    revocations.watch((subject) => {
      this.#revoked.add(subject);
      // Another node's revocations come many at a time: one look for all.
      if (this.#revoked.size === 1) setImmediate(() => this.#lookForRevoked());
    });
  }

  /** Watches an answer until it ends. */
  track(response: ServerResponse, authInfo: AuthInfo): void {
    const answer: Answer = { response, authInfo, isRevoked: false };
    this.#answers.add(answer);
    response.once('close', () => this.#answers.delete(answer));
    if (!this.#isLooking) this.#lookLater();
  }

  #lookForRevoked(): void {
    const revoked = new Set(this.#revoked);
    this.#revoked.clear();
    const concerned = [...this.#answers].filter(({ authInfo }) =>
      subjectsOf(authInfo).some((subject) => revoked.has(subject)),
    );
    try {
      for (const answer of concerned) {
        answer.isRevoked ||= isRevoked(answer.authInfo, this.#revocations);
        this.#cutIfEnded(answer);
      }
    } catch (error) {
      this.#observation.log.error({ detail: messageOf(error) }, 'streams not looked at after a revocation');
    }
  }

  #lookForEnded(): void {
    for (const answer of this.#answers) this.#cutIfEnded(answer);
    this.#isLooking = false;
    if (this.#answers.size > 0) this.#lookLater();
  }

  #lookLater(): void {
    this.#isLooking = true;
    setTimeout(() => this.#lookForEnded(), pause).unref();
  }

  /** What has not begun yet may become a stream: it is looked at again. */
  #cutIfEnded(answer: Answer): void {
    const { response, authInfo } = answer;
    const end = endOf(answer);
    if (end === undefined || !response.headersSent || !isEventStream(response)) return;
    this.#answers.delete(answer);
    const { user, clientId } = callerOf(authInfo);
    this.#observation.log.info({ reason: end, user, clientId }, 'stream cut: its token has ended');
    this.#observation.metrics.streamCut(end);
    // As if the client had gone: whoever writes to it knows what to do then.
    response.destroy();
  }
}

function endOf({ isRevoked: revoked, authInfo: { expiresAt } }: Answer): TokenEnd | undefined {
  if (revoked) return 'revoked';
  return expiresAt !== undefined && expiresAt * 1_000 <= Date.now() ? 'expired' : undefined;
}
