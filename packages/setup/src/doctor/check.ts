import type { AllFacts, FactName, Look, Question } from './facts.ts';
import type { Finding, Trouble } from './finding.ts';

/** What a check sees: what it needs for certain, and the rest if it was seen. */
export type Seen<Need extends FactName> = Pick<AllFacts, Need> & Partial<AllFacts>;

/** One thing to look for. */
export interface Check {
  /** The code of its finding. */
  readonly code: string;
  readonly outcome: Finding['outcome'];
  readonly needs: readonly FactName[];
  /** Undefined or nothing when all is well, or when the question does not touch it. */
  readonly examine: (seen: Partial<AllFacts>, question: Question) => Troubles;
}

type Troubles = Trouble | readonly Trouble[] | undefined;

/** A check with what it needs seen for certain. */
export function check<const Need extends FactName>(
  code: string,
  outcome: Finding['outcome'],
  needs: readonly Need[],
  examine: (seen: Seen<Need>, question: Question) => Troubles,
): Check {
  // Only ever called once every need is there: see examineAll.
  return { code, outcome, needs, examine: (seen, question) => examine(seen as Seen<Need>, question) };
}

/** What came of a table of checks. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** The codes of what could not be looked for, with the reason. */
  readonly unseen: readonly Unseen[];
}

export interface Unseen {
  readonly code: string;
  readonly reason: string;
}

/** Runs a table of checks. */
export function examineAll(checks: readonly Check[], { facts, unseen }: Look, question: Question): Diagnosis {
  const findings: Finding[] = [];
  const missing: Unseen[] = [];
  for (const { code, outcome, needs, examine } of checks) {
    const absent = needs.find((need) => facts[need] === undefined);
    if (absent !== undefined) {
      const reason = unseen[absent];
      // Without a reason nobody asked for it.
      if (reason !== undefined) missing.push({ code, reason });
      continue;
    }
    const troubles = [examine(facts, question) ?? []].flat();
    findings.push(...troubles.map((trouble) => ({ code, outcome, ...trouble })));
  }
  return { findings, unseen: missing };
}
