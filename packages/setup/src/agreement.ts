import { errors } from './errors.ts';
import type { Terminal } from './terminal.ts';

/**
 * Goes on when somebody agrees: by `--yes`, or by answering the question.
 *
 * @param what what is asked, such as `Cursor may be removed`
 * @param look what shows it without doing it, such as `list`
 * @throws SetupError `confirmation-missing`, `cancelled`
 */
export async function agree(
  { confirm }: Pick<Terminal, 'confirm'>,
  question: { yes: boolean; what: string; asks: string; look: string },
): Promise<void> {
  if (question.yes) return;
  if (confirm === undefined) throw errors.confirmationMissing(question.what, question.look);
  if (!(await confirm(question.asks))) throw errors.cancelled();
}
