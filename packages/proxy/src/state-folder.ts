import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';

/**
 * A lock whose holder died is taken over after this many milliseconds without a sign of life (the least that the
 * library allows).
 */
const staleAfter = 5_000;
const pollEvery = 100;

/**
 * The folder for what is not secret: the index of sign-ins, and the locks. Mode 0700, files 0600. The libraries for writing
 * and for locks are loaded when one is needed, which a start that finds all as it was does not.
 */
export class StateFolder {
  readonly path: string;

  constructor(folder: string) {
    this.path = folder;
  }

  /** The text of a file, or undefined when there is none. @throws ProxyError `state-folder-unusable` */
  read(name: string): Promise<string | undefined> {
    try {
      // Small files that a start waits for: at once takes a tenth of what going through the thread pool does.
      return Promise.resolve(readFileSync(path.join(this.path, name), 'utf8'));
    } catch (error) {
      if (isMissing(error)) return Promise.resolve(undefined);
      return Promise.reject(errors.stateFolderUnusable(this.path, messageOf(error), error));
    }
  }

  /** Writes a file whole or not at all. @throws ProxyError `state-folder-unusable` */
  async write(name: string, text: string): Promise<void> {
    const { default: writeFileAtomic } = await import('write-file-atomic');
    await this.#inFolder(() => writeFileAtomic(path.join(this.path, name), text, { mode: 0o600 }));
  }

  /** Removes a file, if it is there. @throws ProxyError `state-folder-unusable` */
  async remove(name: string): Promise<void> {
    await this.#inFolder(() => rm(path.join(this.path, name), { force: true }));
  }

  /**
   * Does `work` while holding the lock `name`, which at most one process on this machine holds. Waits as long as it
   * takes; end that with the signal. `onWait` is called again and again while somebody else holds it, and a lock that was lost
   * meanwhile (a laptop asleep for longer than 5 s) is reported to `onLost`: whoever saves under a lock re-reads first.
   *
   * @throws ProxyError `state-folder-unusable`; the signal's reason; whatever `work` throws
   */
  async locked<Value>(
    name: string,
    work: () => Promise<Value>,
    options: { signal?: AbortSignal; onWait?: () => void; onLost?: () => void } = {},
  ): Promise<Value> {
    return holding(await this.#acquire(name, options), work, options.onLost);
  }

  /**
   * {@link locked}, but does not wait.
   *
   * @param held the error when somebody else holds the lock
   */
  async lockedNow<Value>(name: string, work: () => Promise<Value>, held: () => Error): Promise<Value> {
    let release: () => Promise<void>;
    try {
      release = await this.#tryLock(name, () => undefined);
    } catch (error) {
      throw isHeld(error) ? held() : error;
    }
    return holding(release, work);
  }

  async #tryLock(name: string, onLost: () => void): Promise<() => Promise<void>> {
    const { default: lockfile } = await import('proper-lockfile');
    return this.#inFolder(() =>
      lockfile.lock(path.join(this.path, name), {
        realpath: false,
        stale: staleAfter,
        update: 1_000,
        onCompromised: onLost,
      }),
    );
  }

  async #acquire(
    name: string,
    options: { signal?: AbortSignal; onWait?: () => void; onLost?: () => void },
  ): Promise<() => Promise<void>> {
    for (;;) {
      options.signal?.throwIfAborted();
      try {
        return await this.#tryLock(name, () => options.onLost?.());
      } catch (error) {
        if (!isHeld(error)) throw error;
      }
      options.onWait?.();
      await delay(pollEvery, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(
        (error: unknown) => {
          options.signal?.throwIfAborted();
          throw error;
        },
      );
    }
  }

  async #inFolder<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      await mkdir(this.path, { recursive: true, mode: 0o700 });
      return await work();
    } catch (error) {
      if (isHeld(error)) throw error;
      throw errors.stateFolderUnusable(this.path, messageOf(error), error);
    }
  }
}

async function holding<Value>(
  release: () => Promise<void>,
  work: () => Promise<Value>,
  onLost?: () => void,
): Promise<Value> {
  try {
    return await work();
  } finally {
    // Only a lost lock cannot be released.
    await release().catch(() => onLost?.());
  }
}

/** A name for a file or a lock that is about `what`: of fixed length, and the same on file systems that ignore case. */
export function nameFor(kind: string, what: string): string {
  return `${kind}-${createHash('sha256').update(what).digest('hex').slice(0, 16)}`;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function isHeld(error: unknown): boolean {
  return codeOf(error) === 'ELOCKED';
}
