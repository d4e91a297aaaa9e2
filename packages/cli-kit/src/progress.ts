import { styleText } from 'node:util';

/** Tells a person what a program is doing, step by step. */
export interface Progress {
  heading(title: string): void;
  /** A sentence beside the steps. */
  note(sentence: string): void;
  /**
   * Tells what is being done, does it, and tells what came of it; `done` may be a sentence or make one from the result.
   * What `work` throws is thrown on, once the step is marked as failed.
   */
  step<Result>(
    doing: string,
    work: () => Promise<Result>,
    done: string | ((result: Result) => string),
  ): Promise<Result>;
  /**
   * A step of so many equal parts: `work` calls `advance` as each ends. On a terminal a bar, elsewhere a line for each tenth.
   */
  bar<Result>(
    doing: string,
    total: number,
    work: (advance: () => void) => Promise<Result>,
    done: string | ((result: Result) => string),
  ): Promise<Result>;
}

/** Where progress is written, such as `process.stderr`. */
export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const frames = ['◒', '◐', '◓', '◑'];
const frameMilliseconds = 80;
const barWidth = 24;

/**
 * Progress on a terminal with a moving sign and colours, elsewhere in plain lines.
 *
 * @param options.timed whether each step tells its seconds
 */
export function createProgress(output: ProgressOutput, options: { timed?: boolean } = {}): Progress {
  const colours = output.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
  // Node's own check looks at stdout, whatever is written to.
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    colours ? styleText(format, text, { validateStream: false }) : text;
  const line = (sign: string, sentence: string): void => {
    output.write(`${sign} ${sentence}\n`);
  };

  /** Shows that something is being done, until the returned function is called. `text` is asked for again and again. */
  function show(text: () => string): () => void {
    if (output.isTTY !== true) {
      line('…', text());
      return () => undefined;
    }
    // A line that wraps could not be drawn over. Some terminals do not know their width and say 0.
    const columns = output.columns === undefined || output.columns === 0 ? 80 : output.columns;
    let frame = 0;
    const draw = (): void => {
      const shown = `${text()}…`.slice(0, Math.max(1, columns - 3));
      output.write(`\r${paint('magenta', frames[frame % frames.length] ?? '')} ${shown}`);
      frame += 1;
    };
    draw();
    const timer = setInterval(draw, frameMilliseconds);
    return () => {
      clearInterval(timer);
      output.write('\r\u001b[K');
    };
  }

  return {
    heading: (title) => {
      output.write(`\n${paint('bold', title)}\n\n`);
    },
    note: (sentence) => {
      line(paint('blue', '●'), sentence);
    },
    step: (doing, work, done) => run(doing, () => doing, work, done),
    bar(doing, total, work, done) {
      let ended = 0;
      const text = (): string => (ended === 0 ? doing : `${doing} ${barOf(ended, total)}`);
      const advance = (): void => {
        const tenth = Math.floor((ended * 10) / total);
        ended += 1;
        if (output.isTTY !== true && Math.floor((ended * 10) / total) > tenth) line('…', text());
      };
      return run(doing, text, () => work(advance), done);
    },
  };

  async function run<Result>(
    doing: string,
    text: () => string,
    work: () => Promise<Result>,
    done: string | ((result: Result) => string),
  ): Promise<Result> {
    const hide = show(text);
    const begin = performance.now();
    const end = (sign: string, sentence: string): void => {
      hide();
      const seconds = ((performance.now() - begin) / 1_000).toFixed(1);
      line(sign, options.timed === true ? `${sentence} ${paint('dim', `(${seconds} s)`)}` : sentence);
    };
    try {
      const result = await work();
      end(paint('green', '✔'), typeof done === 'string' ? done : done(result));
      return result;
    } catch (error) {
      end(paint('red', '✖'), doing);
      throw error;
    }
  }
}

/** Such as `████████░░░░░░░░ 512 of 1000`. */
function barOf(ended: number, total: number): string {
  const full = Math.min(barWidth, Math.floor((ended * barWidth) / total));
  return `${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${String(ended)} of ${String(total)}`;
}
