import type { AuthInfo } from '@modelcontextprotocol/server';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { callerOf } from './caller.ts';
import type { Log } from './log.ts';
import { SharedStateUnavailable, type SharedState } from './shared-state/shared-state.ts';

/** The greeting of who has set none. */
const commonGreeting = 'Hello';

/** Users whose greeting is kept, at most: for another one, the one that was set longest ago is forgotten. */
const mostGreetings = 10_000;

/** With which word each user is greeted. Without authentication all callers are one user. */
export interface Greetings {
  /** The user's greeting; the common one when he has set none, or when it cannot be read. */
  of(authInfo: AuthInfo | undefined): Promise<string>;
  /** @throws SharedStateUnavailable when it cannot be kept */
  set(authInfo: AuthInfo | undefined, greeting: string): Promise<void>;
}

/** The greetings that all nodes share. */
export function sharedGreetings(sharedState: SharedState, log: Log): Greetings {
  const texts = sharedState.texts('greetings', mostGreetings);
  return {
    of: async (authInfo) => {
      try {
        return (await texts.read(keyOf(authInfo))) ?? commonGreeting;
      } catch (error) {
        if (!(error instanceof SharedStateUnavailable)) throw error;
        log.warn({ detail: messageOf(error) }, 'the greeting cannot be read; using the common one');
        return commonGreeting;
      }
    },
    set: async (authInfo, greeting) => texts.write(keyOf(authInfo), greeting),
  };
}

/** A token that stands for no user stands for its client. */
function keyOf(authInfo: AuthInfo | undefined): string {
  const { user, clientId } = callerOf(authInfo);
  return user === undefined ? `client ${clientId ?? ''}` : `user ${user}`;
}
