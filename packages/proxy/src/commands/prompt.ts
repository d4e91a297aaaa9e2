import { createInterface, type Interface } from 'node:readline';
import { Writable, type Readable } from 'node:stream';

/** Where a person is asked: stdin, and stderr since stdout is for results. */
export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: { write(text: string): unknown };
}

/** The terminal of this process. */
export const terminal: Terminal = { input: process.stdin, output: process.stderr };

/** Asks for a line that is not shown while it is typed. The signal's reason is thrown when it is aborted. */
export async function askHidden(
  { input, output }: Terminal,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  // readline takes the echo over from the terminal, and its output leads nowhere.
  const nowhere = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  // Only now: whoever answers the question before the echo is off would show the secret.
  output.write(question);
  try {
    return await answerTo(lines, signal);
  } finally {
    output.write('\n');
  }
}

/** Asks a question to be answered with yes or no; anything else is no. */
export async function confirm(
  { input, output }: Terminal,
  question: string,
  signal: AbortSignal,
): Promise<boolean> {
  output.write(`${question} [y/N] `);
  return /^y(?:es)?$/iu.test((await answerTo(createInterface({ input }), signal)).trim());
}

async function answerTo(lines: Interface, signal: AbortSignal): Promise<string> {
  try {
    signal.throwIfAborted();
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      // The end of input, as by Ctrl+D, is an empty answer.
      lines.once('close', () => {
        resolve('');
      });
      // In raw mode Ctrl+C is a key: what it means is decided where the signal would be.
      lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
      signal.addEventListener(
        'abort',
        () => {
          reject(signal.reason as Error);
        },
        { once: true },
      );
    });
  } finally {
    lines.close();
  }
}
