import { clean, type Log } from '@mcp-keyhole/cli-kit';
import type { ProxyConfig } from '../config.ts';
import { examineMachine } from './doctor-machine.ts';
import { examineServer } from './doctor-server.ts';
import type { Finding } from './finding.ts';
import { paint, writeJson, type Output } from './output.ts';

const colours = { fine: 'green', warning: 'yellow', wrong: 'red' } as const;

/**
 * Walks the road of a sign-in, up to where the user would be asked, and says of each step how it is. Changes nothing at
 * any server. Exit code 1 when something is wrong.
 */
export async function doctor(
  config: ProxyConfig,
  server: URL,
  log: Log,
  signal: AbortSignal,
  output: Output,
): Promise<number> {
  const findings: Finding[] = [];
  for (const examine of [examineMachine, examineServer]) {
    for await (const finding of examine(config, server, log, signal)) {
      findings.push(finding);
      if (!config.json) output.write(describe(finding, output));
    }
  }
  if (config.json) writeJson(output, findings);
  else output.write(summary(findings));
  return findings.some(({ outcome }) => outcome === 'wrong') ? 1 : 0;
}

function describe({ step, outcome, detail, remedy }: Finding, output: Output): string {
  const head = `${paint(output, colours[outcome], outcome.padEnd(7))}  ${step.padEnd(20)}`;
  const advice = remedy === undefined ? '' : `${' '.repeat(9)}${clean(remedy)}\n`;
  return `${head}  ${clean(detail)}\n${advice}`;
}

function summary(findings: readonly Finding[]): string {
  const count = (wanted: Finding['outcome']): number =>
    findings.filter(({ outcome }) => outcome === wanted).length;
  const wrong = count('wrong');
  const warnings = count('warning');
  if (wrong + warnings === 0) return 'All is well.\n';
  return `${wrong} wrong, ${warnings} warning${warnings === 1 ? '' : 's'}. What comes after a step that is wrong may not have been looked at.\n`;
}
