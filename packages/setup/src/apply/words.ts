import { clean, cleanLine } from '@mcp-keyhole/cli-kit';
import type { Entry } from './run.ts';
import type { SetPlan } from './set-plan.ts';

/** How many clients of one kind are shown by name. */
const mostShown = 40;

const signs = { create: '+', change: '~', remove: '-' } as const;

/** A plan for a person to read. */
export function planInWords(plan: SetPlan, entries: readonly Entry[], prune: boolean): string {
  const lines = (['create', 'change', 'remove'] as const).flatMap((action) => {
    const some = entries.filter((entry) => entry.action === action);
    const shown = some
      .slice(0, mostShown)
      .flatMap(({ name, changes }) => [
        `${signs[action]} ${action} ${cleanLine(name)}`,
        ...changes.map((line) => `    ${cleanLine(line)}`),
      ]);
    const more = some.length - mostShown;
    return more > 0
      ? [...shown, `${signs[action]} ${action} ${String(more)} more (--json names all)`]
      : shown;
  });
  const kept = prune || plan.unlisted.length === 0 ? [] : [keptInWords(plan)];
  return clean(
    `${[...lines, ...(lines.length === 0 ? [] : ['']), summary(plan, entries), ...kept].join('\n')}\n`,
  );
}

function keptInWords({ set, unlisted }: SetPlan): string {
  const names = unlisted.slice(0, mostShown).map(({ name }) => cleanLine(name));
  const more = unlisted.length > mostShown ? ' and more' : '';
  return `${String(unlisted.length)} of the set ${set} not in the file (--prune removes them): ${names.join(', ')}${more}.`;
}

function summary(plan: SetPlan, entries: readonly Entry[]): string {
  const count = (action: Entry['action']): number =>
    entries.filter((entry) => entry.action === action).length;
  const left = plan.clients.filter(({ action }) => action === 'leave').length;
  return `${String(count('create'))} to create, ${String(count('change'))} to change, ${String(count('remove'))} to remove, ${String(left)} to leave.`;
}

/** What was done, for a person to read; the secrets are in it, once. */
export function outcomeInWords(entries: readonly Entry[]): string {
  const done = entries.filter(({ outcome }) => outcome === 'done');
  const count = (action: Entry['action']): number => done.filter((entry) => entry.action === action).length;
  const secrets = done.filter(({ clientSecret }) => clientSecret !== undefined);
  const failures = entries.filter(({ outcome }) => outcome === 'failed');
  return clean(
    [
      `Created ${String(count('create'))}, changed ${String(count('change'))}, removed ${String(count('remove'))}.`,
      ...(secrets.length === 0
        ? []
        : ['', 'Client secrets, shown this once (rotate-secret NAME makes another one):']),
      ...secrets.map(
        ({ name, clientId, clientSecret }) => `  ${cleanLine(name)}  ${clientId}  ${clientSecret ?? ''}`,
      ),
      ...(failures.length === 0 ? [] : ['', 'Failed:']),
      ...failures
        .slice(0, mostShown)
        .map(
          ({ name, error }) =>
            `  ${cleanLine(name)}: ${cleanLine(error?.message ?? '')} [${error?.code ?? ''}]`,
        ),
      '',
    ].join('\n'),
  );
}

/** What `--json` prints: before anything is done nobody knows the id of what is new. */
export function planInJson(plan: SetPlan, entries: readonly Entry[], prune: boolean): object {
  const left = plan.clients.filter(({ action }) => action === 'leave');
  return {
    set: plan.set,
    entries: entries.map(({ action, clientId, outcome, ...rest }) => ({
      action,
      clientId: action === 'create' && outcome !== 'done' ? null : clientId,
      ...rest,
      ...(outcome === undefined ? {} : { outcome }),
    })),
    left: left.length,
    unlisted: prune ? [] : plan.unlisted,
  };
}
