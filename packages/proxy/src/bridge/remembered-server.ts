import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import { nameFor, type StateFolder } from '../state-folder.ts';
import type { Era } from './era.ts';
import { objectOf, type JsonObject } from './message.ts';

/** The results of the list methods, by method and cursor; the first page has the empty one. */
type RememberedLists = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;

/** What is remembered of a server for an account. */
export interface RememberedFacts {
  /** What the server speaks. */
  readonly era?: Era;
  /** The result of `initialize`, or of `server/discover`, as a host of that era got it. */
  readonly greetings?: { readonly legacy?: JsonObject; readonly modern?: JsonObject };
  readonly lists?: RememberedLists;
}

/** What was learned of a server in earlier runs, and is learned in this one for the next. */
export interface ServerMemory {
  facts(): Promise<RememberedFacts>;
  rememberEra(era: Era): void;
  rememberGreeting(era: Era, result: JsonObject): void;
  /** The first page replaces all pages of that list. A list that does not fit is forgotten. */
  rememberPage(method: string, cursor: string, result: JsonObject): void;
  /** Writes what has changed. Never throws. */
  flush(): Promise<void>;
}

/** Of a format that may change; what another one wrote counts as nothing. */
const format = 1;
/** Of lists, as JSON; more is not remembered. */
const mostBytes = 8 << 20;
/** After a change, for others that come with it. */
const writtenAfter = 1_000;

const nothing: RememberedFacts = {};

/** For who wants nothing to be remembered. */
export const noMemory: ServerMemory = {
  facts: () => Promise.resolve(nothing),
  rememberEra: () => undefined,
  rememberGreeting: () => undefined,
  rememberPage: () => undefined,
  flush: () => Promise.resolve(),
};

/**
 * A memory in a file of the state folder (0600): what the server says of itself to whoever is signed in, never what the
 * host asks, nor headers or tokens.
 *
 * @param account names the sign-in: server, client and profile
 */
export function createServerMemory(
  folder: Pick<StateFolder, 'read' | 'write'>,
  account: string,
  log: Log,
): ServerMemory {
  let facts: Promise<RememberedFacts> | undefined;
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let isChanged = false;
  const read = (): Promise<RememberedFacts> => {
    facts ??= readFacts(folder, account).catch((error: unknown) => {
      log.debug('what is remembered of the server cannot be read', { error: messageOf(error) });
      return nothing;
    });
    return facts;
  };
  const write = async (): Promise<void> => {
    if (!isChanged) return;
    isChanged = false;
    try {
      await folder.write(fileOf(account), JSON.stringify({ format, account, facts: await read() }));
    } catch (error) {
      log.debug('what is known of the server cannot be kept', { error: messageOf(error) });
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write);
    return writing;
  };
  // Not written within `change`, whose page it would hold until then.
  const due = (): void => {
    void flush();
  };
  const change = (apply: (before: RememberedFacts) => RememberedFacts): void => {
    const before = read();
    facts = before.then((known) => {
      const next = apply(known);
      if (next !== known) isChanged = true;
      return next;
    });
    timer ??= setTimeout(due, writtenAfter).unref();
  };
  return {
    facts: read,
    rememberEra: (era) => {
      change((before) => (before.era === era ? before : { ...before, era }));
    },
    rememberGreeting: (era, result) => {
      change((before) =>
        isSame(before.greetings?.[era], result)
          ? before
          : { ...before, greetings: { ...before.greetings, [era]: result } },
      );
    },
    rememberPage: (method, cursor, result) => {
      change((before) => {
        const { [method]: pages, ...others } = before.lists ?? {};
        const isFirst = cursor === '';
        // The pages after a first one that did not fit.
        if (pages === undefined && !isFirst) return before;
        if (isSame(pages?.[cursor], result)) return before;
        const list = isFirst ? { '': result } : { ...pages, [cursor]: result };
        const next = { ...others, [method]: list };
        if (bytesOf(next) <= mostBytes) return { ...before, lists: next };
        return pages === undefined ? before : { ...before, lists: others };
      });
    },
    flush: async () => {
      await facts;
      await flush();
    },
  };
}

/** Forgets a server: with the sign-in goes what was seen by it. */
export async function forgetServer(folder: Pick<StateFolder, 'remove'>, account: string): Promise<void> {
  await folder.remove(fileOf(account));
}

function fileOf(account: string): string {
  return `${nameFor('server', account)}.json`;
}

async function readFacts(folder: Pick<StateFolder, 'read'>, account: string): Promise<RememberedFacts> {
  const text = await folder.read(fileOf(account));
  if (text === undefined) return nothing;
  const content = objectOf(JSON.parse(text));
  const isOurs = content['format'] === format && content['account'] === account;
  return isOurs ? objectOf(content['facts']) : nothing;
}

/** Of pages that have been measured. */
const sizes = new WeakMap<JsonObject, number>();

function bytesOf(lists: RememberedLists): number {
  let bytes = 0;
  for (const page of Object.values(lists).flatMap((pages) => Object.values(pages))) {
    const size = sizes.get(page) ?? Buffer.byteLength(JSON.stringify(page));
    sizes.set(page, size);
    bytes += size;
  }
  return bytes;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
