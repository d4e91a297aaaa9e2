import { examineAll, type Diagnosis } from './check.ts';
import { checks, clientChecks } from './checks.ts';
import type { Question } from './facts.ts';
import type { Change, Finding } from './finding.ts';
import { NotSeen } from './http.ts';
import { look } from './look.ts';
import type { ManagementApi } from './management-api.ts';

/**
 * Looks at everything and says what is wrong, changing nothing.
 *
 * @param options.ignored codes that are not looked for
 * @param options.keyGiven whether the API key was given; the demo key, which is tried on this machine, may be refused
 */
export async function diagnose(
  question: Question,
  api: ManagementApi | undefined,
  options: { ignored: readonly string[]; keyGiven: boolean },
): Promise<Diagnosis> {
  const { clients, ...seen } = await look(question, api);
  const all = [
    examineAll(checks, seen, question),
    ...clients.map((client) => examineAll(clientChecks, client, question)),
  ];
  const ignored = [...options.ignored, ...(options.keyGiven ? [] : ['api-key-refused'])];
  const findings = all.flatMap((one) => one.findings).filter(({ code }) => !ignored.includes(code));
  const unseen = all.flatMap((one) => one.unseen).filter(({ code }) => !ignored.includes(code));
  // Two checks may have one code.
  const distinct = new Map(unseen.map((one) => [`${one.code} ${one.reason}`, one]));
  return { findings, unseen: [...distinct.values()] };
}

/** What came of one change. */
export interface Repair {
  readonly code: string;
  readonly about: string;
  readonly says: readonly string[];
  /** What FusionAuth says against it; undefined when it is done. */
  readonly failure: string | undefined;
}

/** A finding that `--fix` can do something about. */
export type Fixable = Finding & { readonly change: Change };

export const isFixable = (finding: Finding): finding is Fixable => finding.change !== undefined;

/** Makes the changes, one after another; one that fails does not keep the others from being made. */
export async function repair(findings: readonly Fixable[], api: ManagementApi): Promise<readonly Repair[]> {
  const repairs: Repair[] = [];
  for (const { code, about, change } of findings) {
    let failure: string | undefined;
    try {
      for (const request of change.requests) await api.send(request);
    } catch (error) {
      if (!(error instanceof NotSeen)) throw error;
      failure = error.message;
    }
    repairs.push({ code, about, says: change.says, failure });
  }
  return repairs;
}
