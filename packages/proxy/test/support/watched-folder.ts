import { EventEmitter, once } from 'node:events';
import { StateFolder } from '../../src/state-folder.ts';

/** A state folder that tells how often somebody has found a lock taken. */
export class WatchedFolder extends StateFolder {
  readonly #waiting = new EventEmitter().setMaxListeners(0);
  #waits = 0;

  override locked<Value>(
    name: string,
    work: () => Promise<Value>,
    options: Parameters<StateFolder['locked']>[2] = {},
  ): Promise<Value> {
    const onWait = (): void => {
      options.onWait?.();
      this.#waits += 1;
      this.#waiting.emit('wait');
    };
    return super.locked(name, work, { ...options, onWait });
  }

  /** Resolves when a lock has been found taken so many times. */
  async waited(times: number): Promise<void> {
    while (this.#waits < times) await once(this.#waiting, 'wait');
  }
}
