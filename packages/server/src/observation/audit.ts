import type { Caller } from '../caller.ts';
import type { Log } from '../log.ts';

/** What somebody did, or tried to. */
export interface AuditedCall {
  readonly tool: string;
  readonly caller: Caller;
  /** From where, as trusted proxies tell it. */
  readonly address: string | undefined;
  readonly outcome: string;
}

/** Adds a tool call to the audit trail: who called what, through which client, from where, and what came of it. */
export function audit(log: Log, { tool, caller: { user, clientId }, address, outcome }: AuditedCall): void {
  log.info({ audit: true, action: 'tools/call', tool, user, clientId, address, outcome }, 'audit');
}
