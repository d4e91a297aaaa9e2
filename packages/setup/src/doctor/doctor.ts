import { errors } from '../errors.ts';
import { checks, clientChecks } from './checks.ts';
import type { DoctorConfig } from './config.ts';
import { diagnose, isFixable, repair, type Repair } from './diagnosis.ts';
import type { Question } from './facts.ts';
import { connectManagementApi } from './management-api.ts';
import { changesInWords, diagnosisInWords, repairsInWords } from './report.ts';

/** Where the doctor speaks. */
export interface Bedside {
  /** Writes the result, on stdout. */
  readonly write: (text: string) => unknown;
  /** Asks whether to go on; undefined where nobody can be asked. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}

/** The codes of all findings, in the order of the table. */
export const findingCodes: readonly string[] = [
  ...new Set([...checks, ...clientChecks].map(({ code }) => code)),
];

/**
 * Looks for everything at a FusionAuth that makes a sign-in fail later, and with `--fix` changes what its API can change
 * and looks again.
 *
 * @returns the exit code: 0 when nothing is wrong, at last, 1 otherwise
 * @throws SetupError `confirmation-missing`, `cancelled`
 */
export async function doctor(config: DoctorConfig, { write, confirm }: Bedside): Promise<0 | 1> {
  const question: Question = config;
  const { key, fusionAuthUrl: url, tenantId, ignored, json } = config;
  const api = key === undefined ? undefined : connectManagementApi({ url, apiKey: key, tenantId });
  const look = () => diagnose(question, api, { ignored, keyGiven: config.apiKey !== undefined });

  let diagnosis = await look();
  let repairs: readonly Repair[] = [];
  const fixable = diagnosis.findings.filter(isFixable);
  if (!json) write(diagnosisInWords(diagnosis, config));
  if (config.fix && api !== undefined && fixable.length > 0) {
    if (!json) write(changesInWords(fixable));
    if (!config.yes) {
      if (confirm === undefined || json)
        throw errors.confirmationMissing(`FusionAuth at ${url} may be changed`, 'the run without --fix');
      if (!(await confirm(`Change this in FusionAuth at ${url}?`))) throw errors.cancelled();
    }
    repairs = await repair(fixable, api);
    diagnosis = await look();
    if (!json) write(repairsInWords(repairs) + diagnosisInWords(diagnosis, config));
  }
  if (json) write(`${JSON.stringify({ ...diagnosis, repairs })}\n`);
  const failed = repairs.some(({ failure }) => failure !== undefined);
  return diagnosis.findings.length > 0 || failed ? 1 : 0;
}
