import { cleanLine } from './clean.ts';

/** `silent` writes only notices, `info` what a person needs, `debug` each step as well. */
export type LogLevel = 'silent' | 'info' | 'debug';

/** Primitives only: an object could carry a token into the log by accident. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** A log for people, on stderr: one line an entry, `program: sentence key=value …`. */
export interface Log {
  /** What a person must read at every level. */
  notice(message: string): void;
  /** What a person should read in ordinary use. */
  info(message: string, fields?: LogFields): void;
  /** What a person should act on. */
  warn(message: string, fields?: LogFields): void;
  /** What helps to find a fault; only with `--debug`. */
  debug(message: string, fields?: LogFields): void;
}

/**
 * Creates a log that writes lines with `write` (by default to stderr).
 * Messages and fields are cleaned of control characters; a field that is undefined is left out.
 */
export function createLog(options: {
  program: string;
  level: LogLevel;
  write?: (line: string) => void;
}): Log {
  const write = options.write ?? ((line: string) => process.stderr.write(line));
  const line = (prefix: string, message: string, fields: LogFields = {}): void => {
    const details = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${quote(String(value))}`)
      .join('');
    write(`${options.program}: ${prefix}${cleanLine(message, 20_000)}${details}\n`);
  };
  const heard = options.level !== 'silent';
  return {
    notice: (message) => {
      line('', message);
    },
    info: (message, fields) => {
      if (heard) line('', message, fields);
    },
    warn: (message, fields) => {
      if (heard) line('warning: ', message, fields);
    },
    debug: (message, fields) => {
      if (options.level === 'debug') line('debug: ', message, fields);
    },
  };
}

function quote(value: string): string {
  const text = cleanLine(value, 1_000);
  return /^[^\s"=]+$/u.test(text) ? text : JSON.stringify(text);
}
