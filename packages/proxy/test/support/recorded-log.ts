import { EventEmitter, once } from 'node:events';
import { createLog, type Log } from '@mcp-keyhole/cli-kit';

/** A log at level debug, whose lines are kept. */
export interface RecordedLog {
  readonly log: Log;
  readonly lines: string[];
  /** All lines, one text. */
  text(): string;
  /** The first line with this in it, whether it was written or is to be. */
  readonly when: (part: string) => Promise<string>;
}

export function recordedLog(): RecordedLog {
  const lines: string[] = [];
  const writing = new EventEmitter().setMaxListeners(0);
  return {
    log: createLog({
      program: 'mcp-keyhole',
      level: 'debug',
      write: (line) => {
        lines.push(line);
        writing.emit('line');
      },
    }),
    lines,
    text: () => lines.join(''),
    when: async (part) => {
      for (;;) {
        const found = lines.find((line) => line.includes(part));
        if (found !== undefined) return found;
        await once(writing, 'line');
      }
    },
  };
}
