import { Cancellation } from '../cancellation.ts';
import type { Log } from '@mcp-keyhole/cli-kit';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { unlessAborted, withDeadline } from '../deadline.ts';
import { errors, ProxyError } from '../errors.ts';
import type { EndpointDelay } from '../http/endpoint.ts';
import type { Listeners } from '../listeners.ts';
import type { SignInNotice } from '../sign-in-notice.ts';
import { Announcements } from './announcements.ts';
import { eraOf, type Era } from './era.ts';
import {
  isGreeting,
  lists,
  offers,
  placeholderGreeting,
  placeholderList,
  rememberedGreeting,
  signInTool,
  signInWords,
  toolsOf,
} from './greeting.ts';
import { Message, type JsonObject } from './message.ts';
import type { ServerMemory } from './remembered-server.ts';
import type { OnMessage, RequestContext, ServerSide } from './server-side.ts';
import { SignInTool } from './sign-in-tool.ts';

/** How long a host's greeting waits for the server's own answer: hosts give up after 60 s, and people before. */
const greetedWithin = 5_000;
/** The same where a greeting of this server is remembered, which serves until the server's own is there. */
const rememberedWithin = 1_000;
/** How long another request waits for the user to sign in, or for the server's first answer: less than hosts do, 60 s. */
const openedWithin = 45_000;

/** What a {@link Reception} works with. */
export interface ReceptionContext {
  readonly server: URL;
  readonly memory: ServerMemory;
  readonly notice: SignInNotice;
  readonly delays: Listeners<EndpointDelay>;
  /** Takes what is sent to the host of our own accord. */
  readonly onMessage: OnMessage;
  /** The tools of a remembered list that the host may see. */
  readonly visible?: ((tools: readonly unknown[]) => readonly unknown[]) | undefined;
  readonly log: Log;
}

/** A host that has begun. */
interface Guest {
  readonly greeting: Message;
  readonly era: Era;
  /** What it said before the server was there, for later. */
  readonly held: Message[];
  /** The lists that it was given before the server was there. */
  readonly served: Map<string, JsonObject>;
  /** The server's own greeting, once it is there. */
  truth?: JsonObject;
  /** Whether the host was greeted before the server was there. */
  isEarly: boolean;
}

/**
 * Receives the host while the server is not there yet: nobody has signed in, it is slow or down. The greeting and the
 * lists are answered from what is remembered, or with a placeholder; whatever needs the server waits for it, within bounds;
 * and when the server is there, the host is told which lists have turned out otherwise.
 */
export class Reception implements ServerSide {
  readonly #inner: ServerSide;
  readonly #context: ReceptionContext;
  readonly #announcements: Announcements;
  readonly #signIn: SignInTool;
  readonly #end = new Cancellation();
  #guest: Guest | undefined;
  /** Whether {@link signInTool} means ours to the host: it was given that, and no tool of the server by that name since. */
  #offersSignIn = false;
  #opening: Promise<Message> | undefined;
  /** Why the server could not be opened the last time. */
  #failure: ProxyError | undefined;
  #requests = 0;

  constructor(inner: ServerSide, context: ReceptionContext) {
    this.#inner = inner;
    this.#context = context;
    this.#announcements = new Announcements(context.onMessage);
    this.#signIn = new SignInTool(context.server, context.notice, () => this.#tools());
  }

  async request(message: Message, context: RequestContext): Promise<Message> {
    context.signal.throwIfAborted();
    if (isGreeting(message)) return this.#greet(message);
    const guest = this.#guest;
    if (message.method === 'subscriptions/listen') return this.#listen(message, context, guest);
    // Even long after the sign-in, when the list that the host goes by may be an old one: the server does not know it.
    if (guest !== undefined && this.#offersSignIn && isSignIn(message)) {
      return this.#signIn.call(message, context, guest);
    }
    if (guest === undefined || (guest.truth !== undefined && !guest.isEarly))
      return this.#pass(message, context);
    const { id = '', method = '' } = message;
    if (method === 'ping' && guest.truth === undefined) return Message.result(id, {});
    if (method in lists) return this.#list(message, guest, context);
    if (guest.truth === undefined) await this.#whenOpen(context);
    return this.#pass(message, context);
  }

  async notify(message: Message): Promise<void> {
    if (this.#signIn.takes(message)) return;
    const guest = this.#guest;
    if (guest === undefined || guest.truth !== undefined) return this.#inner.notify(message);
    if (message.kind === 'notification') guest.held.push(message);
  }

  async close(): Promise<void> {
    this.#end.abort(errors.shuttingDown());
    await this.#inner.close();
    await this.#context.memory.flush();
  }

  async #greet(greeting: Message): Promise<Message> {
    const { server, memory, notice, log } = this.#context;
    const guest: Guest = {
      greeting,
      era: eraOf(greeting),
      held: [],
      served: new Map(),
      isEarly: false,
    };
    this.#guest = guest;
    this.#opening = undefined;
    const remembered = (await memory.facts()).greetings?.[guest.era];
    const opening = this.#opened();
    const answer = await this.#unlessDelayed(opening, remembered !== undefined).catch((error: unknown) => {
      if (remembered === undefined) throw error;
      log.warn(messageOf(error));
      return undefined;
    });
    if (answer !== undefined) return answer;
    guest.isEarly = true;
    opening.catch((error: unknown) => {
      log.debug('the server is not there', { error: messageOf(error) });
    });
    const result =
      remembered === undefined
        ? placeholderGreeting(greeting, guest.era, server, notice.url)
        : rememberedGreeting(remembered, server, notice.url);
    return Message.result(greeting.id ?? '', result);
  }

  /**
   * Waits for the server's greeting as long as a host may be left without one.
   *
   * @param remembers whether there is something to say instead: then a server that is down is not waited for
   */
  async #unlessDelayed(opening: Promise<Message>, remembers: boolean): Promise<Message | undefined> {
    const { notice, delays } = this.#context;
    return new Promise((resolve, reject) => {
      let isUnreachable = false;
      const give = (): void => {
        resolve(undefined);
      };
      const timer = setTimeout(
        () => {
          // Who cannot be reached and is not known has to be told apart from a mistyped address: by an error, soon.
          if (!isUnreachable) give();
        },
        remembers ? rememberedWithin : greetedWithin,
      );
      const ends = [
        notice.changes.add((url) => {
          if (url !== undefined) give();
        }),
        delays.add((delay) => {
          isUnreachable = delay === 'unreachable';
          if (remembers) give();
        }),
        () => {
          clearTimeout(timer);
        },
      ];
      if (notice.url !== undefined) give();
      const over = (): void => {
        for (const end of ends) end();
      };
      opening.then(resolve, reject).finally(over);
    });
  }

  /** The server's answer to the host's greeting; asked for again when it could not be had. */
  #opened(): Promise<Message> {
    const guest = this.#guest;
    if (guest === undefined) return Promise.reject(errors.shuttingDown());
    this.#opening ??= this.#open(guest).catch((error: unknown) => {
      this.#opening = undefined;
      if (error instanceof ProxyError) this.#failure = error;
      throw error;
    });
    return this.#opening;
  }

  async #open(guest: Guest): Promise<Message> {
    const { memory, log } = this.#context;
    this.#failure = undefined;
    const answer = await this.#inner.request(guest.greeting, this.#ownContext());
    const { result } = answer;
    if (result === undefined) {
      this.#opening = undefined;
      return answer;
    }
    memory.rememberGreeting(guest.era, result);
    guest.truth = result;
    for (const message of guest.held.splice(0)) {
      await this.#inner.notify(message).catch((error: unknown) => {
        log.debug('not delivered', { method: message.method, error: messageOf(error) });
      });
    }
    this.#announceChanges(guest).catch((error: unknown) => {
      log.debug('what has changed is not known', { error: messageOf(error) });
    });
    return answer;
  }

  /** @throws ProxyError when the server is not there in time */
  async #whenOpen({ signal }: RequestContext): Promise<void> {
    const { server, notice } = this.#context;
    const answer = await withDeadline(this.#opened(), {
      milliseconds: openedWithin,
      error: (milliseconds) =>
        notice.url === undefined
          ? errors.serverSilent(server, milliseconds)
          : errors.signInNeeded(server, notice.url),
      signal,
    });
    if (answer.error !== undefined) {
      throw errors.serverAnswerUnusable(server, `it does not let us in: ${answer.error.message}`);
    }
  }

  /** Lets a request through, though not for ever when it turns out that the user has to sign in. */
  async #pass(message: Message, context: RequestContext): Promise<Message> {
    const { server, notice } = this.#context;
    const exchange = new Cancellation();
    let timer: NodeJS.Timeout | undefined;
    const abort = (): void => {
      exchange.abort(context.signal.reason);
    };
    const watch = (url: URL | undefined): void => {
      clearTimeout(timer);
      if (url === undefined) return;
      timer = setTimeout(() => {
        exchange.abort(errors.signInNeeded(server, url));
      }, openedWithin);
    };
    const end = notice.changes.add(watch);
    context.signal.addEventListener('abort', abort);
    watch(notice.url);
    try {
      const answer = await this.#inner.request(message, { ...context, signal: exchange.signal });
      if (message.method !== undefined && message.method in lists) {
        this.#remember(message, answer);
        if (this.#offersSignIn && toolsOf(answer.result).includes(signInTool)) this.#offersSignIn = false;
      }
      return answer;
    } finally {
      end();
      clearTimeout(timer);
      context.signal.removeEventListener('abort', abort);
    }
  }

  #remember({ method = '', params }: Message, answer: Message): void {
    const { cursor } = params;
    if (answer.result === undefined) return;
    this.#guest?.served.delete(method);
    this.#context.memory.rememberPage(method, typeof cursor === 'string' ? cursor : '', answer.result);
  }

  async #list(message: Message, guest: Guest, context: RequestContext): Promise<Message> {
    const { memory, visible } = this.#context;
    const { id = '', method = '', params } = message;
    const { cursor } = params;
    if (guest.truth !== undefined) {
      // The placeholder greeting has promised lists that the server may not have.
      if (!offers(guest.truth, method)) return Message.result(id, this.#placeholder(method, guest));
      return this.#pass(message, context);
    }
    const page = (await memory.facts()).lists?.[method]?.[typeof cursor === 'string' ? cursor : ''];
    if (page !== undefined && guest.isEarly) {
      if (typeof cursor !== 'string') guest.served.set(method, page);
      const { tools } = page;
      const seen = Array.isArray(tools) && visible !== undefined ? { ...page, tools: visible(tools) } : page;
      return Message.result(id, seen);
    }
    if (this.#failure === undefined || !isAboutSignIn(this.#failure)) {
      const answer = await this.#unlessSignIn(context);
      if (answer !== undefined) return this.request(message, context);
    }
    const placeholder = this.#placeholder(method, guest);
    guest.served.set(method, placeholder);
    if (toolsOf(placeholder).length > 0) this.#offersSignIn = true;
    return Message.result(id, placeholder);
  }

  /** Waits for the server; undefined when it turns out that the user has to sign in first, or could not. */
  async #unlessSignIn(context: RequestContext): Promise<boolean | undefined> {
    const { notice } = this.#context;
    if (notice.url !== undefined) return undefined;
    let end = (): void => undefined;
    const shown = new Promise<undefined>((resolve) => {
      end = notice.changes.add((url) => {
        if (url !== undefined) resolve(undefined);
      });
    });
    try {
      return await Promise.race([this.#whenOpen(context).then(() => true), shown]);
    } catch (error) {
      if (error instanceof ProxyError && isAboutSignIn(error)) return undefined;
      throw error;
    } finally {
      end();
    }
  }

  #placeholder(method: string, guest: Guest): JsonObject {
    const { server, notice } = this.#context;
    const words = notice.url === undefined ? this.#failure?.message : signInWords(server, notice.url);
    return placeholderList(method, guest.era, server, guest.truth === undefined ? (words ?? '') : undefined);
  }

  /** A modern host's subscription: it has no answer to wait for, and so may wait for the user as long as he takes. */
  async #listen(message: Message, context: RequestContext, guest: Guest | undefined): Promise<Message> {
    const isEarly = guest !== undefined && guest.truth === undefined;
    return this.#announcements.during(message, context, isEarly, async (watched) => {
      if (isEarly) await unlessAborted(this.#opened(), context.signal);
      return this.#inner.request(message, watched);
    });
  }

  /** Asks again for what the host has been given before the server was there, and tells it what has changed. */
  async #announceChanges(guest: Guest): Promise<void> {
    for (const [method, served] of [...guest.served]) {
      const { key = '' } = lists[method] ?? {};
      const fresh = guest.truth === undefined ? undefined : await this.#fetch(method, guest);
      if (fresh === undefined || JSON.stringify(fresh[key]) === JSON.stringify(served[key])) continue;
      await this.#announcements.listChanged(method, guest.era);
    }
  }

  /** What the server's tools are called: its first page of them, for which the user has to be signed in. */
  async #tools(): Promise<readonly unknown[]> {
    const { error } = await this.#opened();
    const guest = this.#guest;
    return error === undefined && guest !== undefined ? toolsOf(await this.#fetch('tools/list', guest)) : [];
  }

  async #fetch(method: string, { truth, greeting }: Guest): Promise<JsonObject> {
    if (truth === undefined || !offers(truth, method)) return { [lists[method]?.key ?? '']: [] };
    this.#requests += 1;
    const params = eraOf(greeting) === 'legacy' ? {} : { _meta: greeting.meta };
    const request = Message.request(`keyhole-list-${this.#requests}`, method, params);
    const answer = await this.#inner.request(request, this.#ownContext());
    this.#remember(request, answer);
    return answer.result ?? {};
  }

  #ownContext(): RequestContext {
    return { signal: this.#end.signal, onMessage: this.#context.onMessage };
  }
}

function isSignIn({ method, params }: Message): boolean {
  return method === 'tools/call' && params['name'] === signInTool;
}

function isAboutSignIn({ code }: ProxyError): boolean {
  return code.startsWith('sign-in-');
}
