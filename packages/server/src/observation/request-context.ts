import { AsyncLocalStorage } from 'node:async_hooks';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import type { Span } from './tracing.ts';

/** What is known of the request that is being answered, wherever in the code one is. */
export interface RequestContext {
  readonly id: string;
  /** The client's address, as trusted proxies tell it. */
  readonly address: string | undefined;
  /** When it came, on the clock of `performance.now()`. */
  readonly begin: number;
  readonly span: Span;
  /** How the request's token was validated, as far as the verifiers said. */
  validation?: ValidationNotes;
  /** The tool whose call was refused for the token's scopes. */
  refusedTool?: string;
}

/** How a token was validated. */
export interface ValidationNotes {
  /** Which verifier decided, such as `api` or `jwks`. A fixed set of words: it labels a metric. */
  readonly verifier?: string;
  /** `hit`: known; `shared`: another request's validation of the same token; `miss`: asked. */
  readonly cache?: 'hit' | 'miss' | 'shared';
  /** How long it took. */
  readonly milliseconds?: number;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** The request that is being answered; undefined outside of any. */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore();
}

/** Runs something, and all that it starts, as part of a request. */
export function withinRequest(context: RequestContext, run: () => void): void {
  storage.run(context, run);
}

/** Tells how the current request's token is being validated, for log and metrics. Verifiers call it. */
export function noteValidation(notes: ValidationNotes): void {
  const request = currentRequest();
  if (request !== undefined) request.validation = Object.assign(request.validation ?? {}, notes);
}

/** Tells that the token of the current request lacks a scope of the tool that it calls. Whoever declares scopes calls it. */
export function noteRefusedTool(tool: string): void {
  const request = currentRequest();
  // Strangers choose the names of tools.
  if (request !== undefined) request.refusedTool = cleanLine(tool, 128);
}
