import picomatch from 'picomatch';
import { errors } from '../errors.ts';
import { failureAnswer } from './failure-answer.ts';
import { Message, objectOf } from './message.ts';
import type { RequestContext, ServerSide } from './server-side.ts';

/** Which tools of the server the host may see and call. */
export interface ToolRules {
  /** Globs of tools that are hidden. */
  readonly ignoreTools: readonly string[];
  /** Globs of tools of which one must match, if there are any. */
  readonly allowTools: readonly string[];
  /** Hides all tools that do not say of themselves that they change nothing (`annotations.readOnlyHint`). */
  readonly readOnly: boolean;
}

/** {@link ToolRules}, applied. */
export interface ToolFilter {
  /** The tools of a list that the host may see. */
  readonly visible: (tools: readonly unknown[]) => readonly unknown[];
  /** Whether a tool may be seen by its name alone. */
  readonly isAllowedName: (name: unknown) => boolean;
  /** The server with these tools and no others. */
  readonly applied: (inner: ServerSide) => ServerSide;
}

/** Hides tools from lists, and refuses their calls without asking the server. */
export function createToolFilter({ ignoreTools, allowTools, readOnly }: ToolRules): ToolFilter {
  const isIgnored = picomatch([...ignoreTools], { dot: true });
  const isAllowed = allowTools.length === 0 ? () => true : picomatch([...allowTools], { dot: true });
  const isAllowedName = (name: unknown): boolean =>
    typeof name === 'string' && isAllowed(name) && !isIgnored(name);
  const changesNothing = (tool: unknown): boolean =>
    objectOf(objectOf(tool)['annotations'])['readOnlyHint'] === true;
  const isVisible = (tool: unknown): boolean =>
    isAllowedName(objectOf(tool)['name']) && (!readOnly || changesNothing(tool));
  return {
    visible: (tools) => tools.filter(isVisible),
    isAllowedName,
    applied: (inner) => new FilteredSide(inner, { readOnly, isVisible, isAllowedName }),
  };
}

interface Judgement {
  readonly readOnly: boolean;
  readonly isVisible: (tool: unknown) => boolean;
  readonly isAllowedName: (name: unknown) => boolean;
}

class FilteredSide implements ServerSide {
  readonly #inner: ServerSide;
  readonly #judge: Judgement;
  /** What the lists have said of each tool: a call names it alone. */
  readonly #seen = new Map<unknown, boolean>();
  #lists = 0;

  constructor(inner: ServerSide, judge: Judgement) {
    this.#inner = inner;
    this.#judge = judge;
  }

  async request(message: Message, context: RequestContext): Promise<Message> {
    if (message.method === 'tools/list') return this.#filtered(await this.#inner.request(message, context));
    if (message.method !== 'tools/call') return this.#inner.request(message, context);
    const { name } = message.params;
    const mayPass = this.#judge.isAllowedName(name) && (await this.#isSeen(name, message, context));
    if (mayPass) return this.#inner.request(message, context);
    return failureAnswer(message.id ?? '', errors.toolHidden(String(name)));
  }

  notify(message: Message): Promise<void> {
    return this.#inner.notify(message);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** Whether the tool may be called by what it says of itself, for which the server is asked if need be. */
  async #isSeen(name: unknown, call: Message, context: RequestContext): Promise<boolean> {
    if (!this.#judge.readOnly) return true;
    if (!this.#seen.has(name)) await this.#look(call, context);
    return this.#seen.get(name) === true;
  }

  async #look(call: Message, context: RequestContext): Promise<void> {
    const envelope = 'io.modelcontextprotocol/protocolVersion' in call.meta ? { _meta: call.meta } : {};
    for (let page = {}; ;) {
      this.#lists += 1;
      const list = Message.request(`keyhole-filter-${this.#lists}`, 'tools/list', { ...page, ...envelope });
      const answer = await this.#inner.request(list, context);
      this.#filtered(answer);
      const cursor = answer.result?.['nextCursor'];
      if (typeof cursor !== 'string') return;
      page = { cursor };
    }
  }

  #filtered(answer: Message): Message {
    const { result } = answer;
    const tools = result?.['tools'];
    if (result === undefined || !Array.isArray(tools)) return answer;
    for (const tool of tools) this.#seen.set(objectOf(tool)['name'], this.#judge.isVisible(tool));
    const visible = tools.filter(this.#judge.isVisible);
    return visible.length === tools.length
      ? answer
      : Message.of({ ...answer.json, result: { ...result, tools: visible } });
  }
}
