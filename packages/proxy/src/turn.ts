import type { Log } from '@mcp-keyhole/cli-kit';
import type { PendingSignIn } from './authorization/pending-sign-in.ts';
import { errors } from './errors.ts';
import type { SignInNotice } from './sign-in-notice.ts';
import type { StateFolder } from './state-folder.ts';

/** What {@link Turn} works with. */
export interface TurnContext {
  readonly server: URL;
  readonly folder: StateFolder;
  readonly pending: PendingSignIn;
  readonly notice: SignInNotice;
  readonly log: Log;
  /** How long a sign-in may take, in milliseconds. */
  readonly signInTimeout: number;
  readonly signal: AbortSignal;
}

/** More than a sign-in may take: for discovery before it and the code exchange after it. */
const patienceBeyondSignIn = 60_000;

/** One after another in this process, and one process at a time on this machine. */
export class Turn {
  readonly #context: TurnContext;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(context: TurnContext) {
    this.#context = context;
  }

  /**
   * Does `work` when it is its turn.
   *
   * @throws ProxyError `sign-in-busy` when another process takes longer than a sign-in may; whatever `work` throws
   */
  async take<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = this.#queue.then(() => this.#locked(work));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #locked<Value>(work: () => Promise<Value>): Promise<Value> {
    const { folder, pending, log, server, signal, signInTimeout } = this.#context;
    const patience = signInTimeout + patienceBeyondSignIn;
    const busy = AbortSignal.timeout(patience);
    const started = { work: false };
    const announcer = this.#announcer();
    try {
      return await folder.locked(
        pending.lock,
        () => {
          started.work = true;
          // Whoever signed in elsewhere is done.
          announcer.stop();
          return work();
        },
        {
          signal: AbortSignal.any([signal, busy]),
          onWait: announcer.announce,
          onLost: () => log.debug('the lock was lost; the store decides whose tokens stay'),
        },
      );
    } catch (error) {
      if (!started.work && busy.aborted && !signal.aborted) throw errors.signInBusy(server, patience);
      throw error;
    } finally {
      announcer.stop();
    }
  }

  /** Tells, once, where the sign-in happens that is waited for; a refresh is over before anybody needs to know. */
  #announcer(): { announce: () => void; stop: () => void } {
    const { pending, notice, log } = this.#context;
    let isOver = false;
    const announce = (): void => {
      if (isOver) return;
      void pending.url().then(
        (url) => {
          if (url === undefined || isOver) return;
          isOver = true;
          notice.show(url);
        },
        (error: unknown) => {
          isOver = true;
          log.debug('what the other process does cannot be read', { error: String(error) });
        },
      );
    };
    const stop = (): void => {
      isOver = true;
      notice.clear();
    };
    return { announce, stop };
  }
}
