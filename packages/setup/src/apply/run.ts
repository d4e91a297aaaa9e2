import { CliError } from '@mcp-keyhole/cli-kit';
import pMap from 'p-map';
import { carryOut } from '../clients/clients.ts';
import { SetupError, type SetupErrorCode } from '../errors.ts';
import type { FusionAuth } from '../fusionauth.ts';
import type { SetPlan } from './set-plan.ts';

/** One thing to do, or that was done, to a client. */
export interface Entry {
  readonly action: 'create' | 'change' | 'remove';
  readonly name: string;
  readonly clientId: string;
  /** What is changed, a line each. */
  readonly changes: readonly string[];
  /** Undefined until it is tried. */
  readonly outcome?: 'done' | 'failed' | 'not-begun';
  /** The secret that it got; it is shown this once. */
  readonly clientSecret?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
}

/** After one of these the other clients would fail as well. */
const hopeless: readonly SetupErrorCode[] = [
  'fusionauth-unreachable',
  'not-fusionauth',
  'api-key-refused',
  'tenant-refused',
  'unlicensed',
];

/** After so many failures of any kind nothing further is begun. */
const mostFailures = 10;

/** What a plan means, in the order in which it is done: nothing is removed before all that is new is there. */
export function entriesOf({ clients, unlisted }: SetPlan, prune: boolean): readonly Entry[] {
  const saved = clients.flatMap(({ action, name, clientId, says }) =>
    action === 'leave' ? [] : [{ action, name, clientId, changes: says }],
  );
  const removed = prune ? unlisted.map((one) => ({ action: 'remove' as const, ...one, changes: [] })) : [];
  return [...saved, ...removed];
}

/**
 * Does all that a plan means, several clients at a time. One that fails does not keep the others from being made, unless they
 * would fail too; whoever runs it again does what is missing.
 *
 * @param options.signal begins nothing further once it is aborted; what is under way is finished
 * @param options.advance is called as each ends
 */
export async function runEntries(
  plan: SetPlan,
  entries: readonly Entry[],
  fusionAuth: FusionAuth,
  options: { concurrency: number; signal: AbortSignal; advance: () => void },
): Promise<readonly Entry[]> {
  const plans = new Map(plan.clients.map((client) => [client.clientId, client]));
  let failures = 0;
  let isOver = false;

  async function perform({ action, clientId }: Entry): Promise<{ clientSecret?: string }> {
    const client = plans.get(clientId);
    if (action === 'remove' || client === undefined) {
      await fusionAuth.removeApplication(clientId);
      return {};
    }
    const { clientSecret } = await carryOut(fusionAuth, client);
    return clientSecret === undefined ? {} : { clientSecret };
  }

  async function attempt(entry: Entry): Promise<Entry> {
    if (isOver || options.signal.aborted) return { ...entry, outcome: 'not-begun' };
    try {
      return { ...entry, ...(await perform(entry)), outcome: 'done' };
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      failures += 1;
      isOver ||= failures >= mostFailures || (error instanceof SetupError && hopeless.includes(error.code));
      const { code, message, remedy } = error as CliError;
      return { ...entry, outcome: 'failed', error: { code, message, remedy } };
    } finally {
      options.advance();
    }
  }

  const saves = entries.filter(({ action }) => action !== 'remove');
  const removals = entries.filter(({ action }) => action === 'remove');
  const saved = await pMap(saves, attempt, { concurrency: options.concurrency });
  // Whoever cannot make the new ones should not lose the old ones.
  if (failures > 0) isOver = true;
  return [...saved, ...(await pMap(removals, attempt, { concurrency: options.concurrency }))];
}
