import { pino, type DestinationStream } from 'pino';
import { currentRequest } from './observation/request-context.ts';

/** Primitives only: an object could carry a token into the log by accident. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The part of pino's logger that the server uses; any pino logger fits. */
export interface Log {
  /** What may help to find a fault; written only with `--debug`. */
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  /** What an operator should look at. */
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/**
 * A log of JSON lines, one an entry, with `level` as a word and `time` in ISO 8601, and `requestId` in those of a
 * request.
 *
 * @param options.destination where the lines go; by default stdout
 */
export function createLog(options: { debug?: boolean; destination?: DestinationStream } = {}): Log {
  return pino(
    {
      level: options.debug === true ? 'debug' : 'info',
      base: { service: 'mcp-keyhole-server' },
      timestamp: timeOfEntry,
      mixin: () => {
        const request = currentRequest();
        return request === undefined ? {} : { requestId: request.id };
      },
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination ?? standardOutput(),
  );
}

let lastTime = 0;
let lastText = '';

/** What pino puts into a line: ISO 8601, written anew each millisecond only, as a busy server has several lines in one. */
function timeOfEntry(): string {
  const now = Date.now();
  if (now !== lastTime) {
    lastTime = now;
    lastText = `,"time":"${new Date(now).toISOString()}"`;
  }
  return lastText;
}

let output: DestinationStream | undefined;

/**
 * The lines of one turn of the event loop are written at its end, together: a request has four, and a write costs as much as
 * all that is done for them.
 */
function standardOutput(): DestinationStream {
  if (output !== undefined) return output;
  const stream = pino.destination(1);
  let lines = '';
  const write = (): void => {
    if (lines !== '') stream.write(lines);
    lines = '';
  };
  process.once('exit', write);
  output = {
    write: (line) => {
      if (lines === '') setImmediate(write);
      lines += line;
    },
  };
  return output;
}
