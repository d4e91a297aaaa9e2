import type { Signal } from '../cancellation.ts';
import { randomUUID } from 'node:crypto';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { unlessAborted, withDeadline } from '../deadline.ts';
import type { SignInNotice } from '../sign-in-notice.ts';
import type { Era } from './era.ts';
import { signInWords, textResult } from './greeting.ts';
import { Message, objectOf, type JsonObject, type RequestId } from './message.ts';
import type { RequestContext } from './server-side.ts';

/** How long the tool waits for the user once the host has shown him the address: less than hosts wait for a tool, 60 s. */
const signedInWithin = 45_000;
const inputKey = 'sign-in';

/** The host, as far as the tool has to know it. */
export interface ToolUser {
  readonly era: Era;
  /** Its `initialize` or `server/discover`. */
  readonly greeting: Message;
}

/** Keyhole's own tool: brings the user to the sign-in page, through the host where it can show an address. */
export class SignInTool {
  readonly #server: URL;
  readonly #notice: SignInNotice;
  readonly #open: () => Promise<readonly unknown[]>;
  /** Questions to the host that wait for its answer. */
  readonly #questions = new Map<RequestId, (answer: Message) => void>();

  /** @param open signs in where that is needed, and gives the names of the server's tools */
  constructor(server: URL, notice: SignInNotice, open: () => Promise<readonly unknown[]>) {
    this.#server = server;
    this.#notice = notice;
    this.#open = open;
  }

  /** Whether a message of the host is the answer to a question of this tool; it is taken then. */
  takes(message: Message): boolean {
    const answer =
      message.kind === 'response' && message.id !== undefined ? this.#questions.get(message.id) : undefined;
    answer?.(message);
    return answer !== undefined;
  }

  async call(message: Message, context: RequestContext, user: ToolUser): Promise<Message> {
    const id = message.id ?? '';
    const say = (text: string): Message => Message.result(id, textResult(text, user.era));
    const opening = this.#open();
    // Whoever is told the address does not wait for what comes of it.
    opening.catch(() => undefined);
    try {
      const url = await this.#address(opening, context.signal);
      if (url !== undefined) {
        const question = { mode: 'url', message: `Sign in to ${this.#server.href}`, url: url.href };
        const shown = await this.#show(question, message, context, user);
        if (shown instanceof Message) return shown;
        if (!shown) return say(signInWords(this.#server, url));
        await withDeadline(opening, {
          milliseconds: signedInWithin,
          error: () => new Error(signInWords(this.#server, url)),
          signal: context.signal,
        });
      }
      const tools = (await opening).join(', ');
      return say(
        `You are signed in to ${this.#server.href}.${tools === '' ? '' : ` Its tools are listed now: ${tools}.`}`,
      );
    } catch (error) {
      context.signal.throwIfAborted();
      return Message.result(id, { ...textResult(messageOf(error), user.era), isError: true });
    }
  }

  /** Where the user signs in; undefined when he is signed in. */
  async #address(opening: Promise<unknown>, signal: Signal): Promise<URL | undefined> {
    if (this.#notice.url !== undefined) return this.#notice.url;
    let end = (): void => undefined;
    const shown = new Promise<URL>((resolve) => {
      end = this.#notice.changes.add((url) => {
        if (url !== undefined) resolve(url);
      });
    });
    try {
      return await unlessAborted(Promise.race([opening.then(() => undefined), shown]), signal);
    } finally {
      end();
    }
  }

  /**
   * Has the host show the address (URL mode elicitation), where it says that it can.
   *
   * @returns whether it did; or the answer that asks a modern host to
   */
  async #show(
    question: JsonObject,
    message: Message,
    { onMessage, signal }: RequestContext,
    { era, greeting }: ToolUser,
  ): Promise<boolean | Message> {
    if (era === 'modern') {
      const capabilities = objectOf(message.meta['io.modelcontextprotocol/clientCapabilities']);
      if (objectOf(capabilities['elicitation'])['url'] === undefined) return false;
      const { inputResponses } = message.params;
      const response = objectOf(objectOf(inputResponses)[inputKey]);
      if (inputResponses !== undefined) return response['action'] === 'accept';
      const inputRequests = { [inputKey]: { method: 'elicitation/create', params: question } };
      return Message.result(message.id ?? '', {
        resultType: 'input_required',
        inputRequests,
        requestState: inputKey,
      });
    }
    const { elicitation } = objectOf(greeting.params['capabilities']);
    if (objectOf(elicitation)['url'] === undefined) return false;
    const id = `keyhole-${inputKey}-${randomUUID()}`;
    const answered = new Promise<Message>((resolve) => this.#questions.set(id, resolve));
    try {
      await onMessage(
        Message.request(id, 'elicitation/create', { ...question, elicitationId: randomUUID() }),
      );
      const answer = await unlessAborted(answered, signal);
      return answer.result?.['action'] === 'accept';
    } finally {
      this.#questions.delete(id);
    }
  }
}
