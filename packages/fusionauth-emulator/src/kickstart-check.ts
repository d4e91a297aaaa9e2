import { startEmulator } from './emulator.ts';
import type { KickstartOutcome } from './kickstart.ts';

/**
 * Runs a kickstart to its end on an emulator that is then ended, and writes a line for each request.
 *
 * @returns the exit code: 0 when every request succeeded, else 1
 * @throws EmulatorError when the file is no kickstart
 */
export async function checkKickstart(
  file: string,
  { env, write }: { env: Readonly<Record<string, string | undefined>>; write: (text: string) => void },
): Promise<0 | 1> {
  const outcomes: KickstartOutcome[] = [];
  const emulator = await startEmulator({
    port: 0,
    kickstart: file,
    env,
    onKickstartRequest: (outcome) => outcomes.push(outcome),
  });
  await emulator.close();
  for (const outcome of outcomes) write(`${describe(outcome)}\n`);
  const failed = outcomes.filter(({ status }) => status >= 300).length;
  write(`${outcomes.length - failed} of ${outcomes.length} requests run.\n`);
  return failed === 0 ? 0 : 1;
}

function describe({ method, url, status, answer }: KickstartOutcome): string {
  if (status < 300) return `ok    ${method} ${url}`;
  const kind = status === 501 ? 'lacks' : 'fails';
  return `${kind} ${method} ${url}: HTTP ${status}${answer === '' ? '' : ` ${answer}`}`;
}
