/** What nodes tell one another. It arrives at once or never: there is no store. */
export interface Messages {
  /** @returns how many listen. @throws SharedStateUnavailable */
  publish(channel: string, text: string): Promise<number>;
  /** How many listen. @throws SharedStateUnavailable */
  listeners(channel: string): Promise<number>;
  /** Never fails: where it cannot be done yet it is as soon as it can. @returns what ends it */
  subscribe(channel: string, listener: (text: string) => void): Promise<() => void>;
}

/** Who listens to what, on this node. */
export class Listeners {
  readonly #byChannel = new Map<string, Set<(text: string) => void>>();

  /** @returns whether nobody listened to the channel before */
  add(channel: string, listener: (text: string) => void): boolean {
    const listeners = this.#byChannel.get(channel);
    listeners?.add(listener);
    if (listeners === undefined) this.#byChannel.set(channel, new Set([listener]));
    return listeners === undefined;
  }

  /** @returns whether nobody listens any more */
  remove(channel: string, listener: (text: string) => void): boolean {
    const listeners = this.#byChannel.get(channel);
    listeners?.delete(listener);
    if (listeners?.size !== 0) return false;
    return this.#byChannel.delete(channel);
  }

  tell(channel: string, text: string): number {
    const listeners = [...(this.#byChannel.get(channel) ?? [])];
    for (const listener of listeners) listener(text);
    return listeners.length;
  }

  count(channel: string): number {
    return this.#byChannel.get(channel)?.size ?? 0;
  }
}

/** The messages of a server that is one node. */
export function createMemoryMessages(): Messages {
  const listeners = new Listeners();
  return {
    publish: (channel, text) => Promise.resolve(listeners.tell(channel, text)),
    listeners: (channel) => Promise.resolve(listeners.count(channel)),
    subscribe: (channel, listener) => {
      listeners.add(channel, listener);
      return Promise.resolve(() => void listeners.remove(channel, listener));
    },
  };
}
