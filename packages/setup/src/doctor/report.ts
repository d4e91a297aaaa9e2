import { clean } from '@mcp-keyhole/cli-kit';
import type { Diagnosis } from './check.ts';
import type { Fixable, Repair } from './diagnosis.ts';

/** A diagnosis for a person to read. */
export function diagnosisInWords(
  { findings, unseen }: Diagnosis,
  { publicUrl, fix }: { publicUrl: string; fix: boolean },
): string {
  const blocks = findings.map(({ code, outcome, about, message, consequence, remedy, change }) =>
    [
      `${outcome === 'wrong' ? '✖' : '▲'} ${code}: ${about}`,
      `  ${message}`,
      `  Breaks:  ${consequence}`,
      `  ${change === undefined ? 'By hand:' : 'Change: '} ${remedy}`,
      ...(change === undefined || fix ? [] : ['           --fix does this.']),
    ].join('\n'),
  );
  const reasons = [...new Set(unseen.map(({ reason }) => reason))];
  const codesOf = (reason: string): string[] =>
    unseen.flatMap((one) => (one.reason === reason ? [one.code] : []));
  const notes = reasons.map((reason) => `Not looked for, since ${reason}: ${codesOf(reason).join(', ')}.`);
  const wrong = findings.filter(({ outcome }) => outcome === 'wrong').length;
  const verdict =
    findings.length === 0
      ? `✔ Nothing was found at ${publicUrl} that would make a sign-in fail.`
      : `${String(wrong)} wrong, ${counted(findings.length - wrong, 'warning')}.`;
  return clean(`${[...blocks, ...notes, verdict].join('\n\n')}\n`);
}

/** What `--fix` would change. */
export function changesInWords(fixable: readonly Fixable[]): string {
  const lines = fixable.flatMap(({ about, change }) => [
    `  ${about}`,
    ...change.says.map((line) => `    ${line}`),
  ]);
  return clean(`\n${counted(fixable.length, 'change')}:\n${lines.join('\n')}\n\n`);
}

/** What came of the changes. */
export function repairsInWords(repairs: readonly Repair[]): string {
  const lines = repairs.map(({ code, about, failure }) =>
    failure === undefined
      ? `✔ ${code}: ${about} is changed.`
      : `✖ ${code}: ${about} is not changed: ${failure}.`,
  );
  return clean(`${lines.join('\n')}\n\n`);
}

function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}
