import { readFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { agree } from '../agreement.ts';
import { errors } from '../errors.ts';
import type { FusionAuth } from '../fusionauth.ts';
import type { Terminal } from '../terminal.ts';
import { readClientsFile } from './clients-file.ts';
import { declaredClients, type DeclaredClients } from './declared-clients.ts';
import { entriesOf, runEntries, type Entry } from './run.ts';
import { planSet, type SetPlan } from './set-plan.ts';
import { outcomeInWords, planInJson, planInWords } from './words.ts';

/** What `plan` and `apply` are told. */
export interface ApplyRequest {
  /** The clients file, as it was written. */
  readonly file: string;
  readonly fusionAuthUrl: string;
  readonly prune: boolean;
  readonly foreign: boolean;
  /** How many clients at a time. */
  readonly concurrency: number;
  readonly yes: boolean;
  readonly json: boolean;
}

/** Reads a clients file from disk. @throws SetupError `clients-file-unreadable`, `clients-file-invalid` */
export function loadClients(file: string): DeclaredClients {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path.resolve(file)));
  } catch (error) {
    throw errors.clientsFileUnreadable(file, messageOf(error), error);
  }
  return declaredClients(readClientsFile(text, file));
}

/** Shows what `apply` would do. */
export async function plan(
  request: ApplyRequest,
  declared: DeclaredClients,
  fusionAuth: FusionAuth,
): Promise<string> {
  const setPlan = await planSet(declared, fusionAuth, request);
  const entries = entriesOf(setPlan, request.prune);
  return inFormat(request, setPlan, entries, planInWords(setPlan, entries, request.prune));
}

/**
 * Makes FusionAuth have the clients of a file: shows the plan, asks, does it.
 *
 * @param signal ends it in order: what is under way is finished; its reason is the name of the process's signal
 * @returns the exit code: 0 when all of it is done
 * @throws SetupError `interrupted` or `apply-incomplete` once what was done is written, and what {@link planSet} and {@link agree} throw
 */
export async function apply(
  request: ApplyRequest,
  declared: DeclaredClients,
  fusionAuth: FusionAuth,
  { terminal, write, signal }: { terminal: Terminal; write: (text: string) => unknown; signal: AbortSignal },
): Promise<0> {
  const { prune, yes, fusionAuthUrl, concurrency } = request;
  const setPlan = await terminal.step(
    `Looking at FusionAuth at ${fusionAuthUrl}`,
    () => planSet(declared, fusionAuth, request),
    ({ clients }) => `Compared ${counted(clients.length)} with FusionAuth at ${fusionAuthUrl}.`,
  );
  const entries = entriesOf(setPlan, prune);
  terminal.note(`Set ${setPlan.set}:\n${planInWords(setPlan, entries, prune)}`);
  if (entries.length === 0) {
    write(inFormat(request, setPlan, entries, 'Nothing had to be done.\n'));
    return 0;
  }
  await agree(terminal, {
    yes,
    what: `FusionAuth at ${fusionAuthUrl} may be changed`,
    asks: `Change FusionAuth at ${fusionAuthUrl}?`,
    look: 'plan',
  });
  const results = await terminal.bar(
    'Applying',
    entries.length,
    (advance) => runEntries(setPlan, entries, fusionAuth, { concurrency, signal, advance }),
    (all) =>
      `${String(all.filter(({ outcome }) => outcome === 'done').length)} of ${counted(all.length)} done.`,
  );
  write(inFormat(request, setPlan, results, outcomeInWords(results)));
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  const missing = results.filter(({ outcome }) => outcome === 'not-begun').length;
  const [first] = failed;
  if (signal.aborted && missing > 0) {
    const done = results.length - failed.length - missing;
    throw errors.interrupted(signal.reason, { done, failed: failed.length, missing });
  }
  if (failed.length + missing > 0) throw errors.applyIncomplete(failed.length, missing, first?.error);
  return 0;
}

function inFormat(
  { json, prune }: ApplyRequest,
  setPlan: SetPlan,
  entries: readonly Entry[],
  words: string,
): string {
  return json ? `${JSON.stringify(planInJson(setPlan, entries, prune))}\n` : words;
}

function counted(clients: number): string {
  return `${String(clients)} ${clients === 1 ? 'client' : 'clients'}`;
}
