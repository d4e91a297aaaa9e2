import { clean } from '@mcp-keyhole/cli-kit';
import type { Diagnosis } from './check.ts';
import { isFixable, type Fixable, type Repair } from './diagnosis.ts';
import type { Finding } from './finding.ts';

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
  const codesOf = (reason: string): string[] => [
    ...new Set(unseen.flatMap((one) => (one.reason === reason ? [one.code] : []))),
  ];
  const notes = reasons.map((reason) => `Not looked for, since ${reason}: ${codesOf(reason).join(', ')}.`);
  const verdict =
    findings.length === 0
      ? `✔ Nothing was found at ${publicUrl} that would make a sign-in fail.`
      : summary(findings, fix);
  return clean(`${[...blocks, ...notes, verdict].join('\n\n')}\n`);
}

/** How much it is, and what can be done about it. */
function summary(findings: readonly Finding[], fix: boolean): string {
  const wrong = findings.filter(({ outcome }) => outcome === 'wrong').length;
  const count = `${String(wrong)} wrong, ${counted(findings.length - wrong, 'warning')}.`;
  const fixable = findings.filter(isFixable).length;
  if (fixable === 0) return `${count} It has to be done by hand.`;
  if (fix) return count;
  const all = fixable === findings.length;
  return `${count} --fix changes ${all ? 'that' : `${String(fixable)} of them; the rest has to be done by hand`}.`;
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
