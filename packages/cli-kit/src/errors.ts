/** How a process ends: 1 failure, 2 usage; stopped by a signal and in order, 128 and its number: SIGINT, SIGTERM. */
export type ExitCode = 1 | 2 | 130 | 143;

/**
 * The base of every error that a person may read. Each package derives one class from it and keeps all of its codes,
 * sentences and remedies in its own `errors.ts`.
 */
export class CliError<Code extends string = string> extends Error {
  /** Stable, kebab-case, documented in the README: what programs and searches key on. */
  readonly code: Code;
  /** What the reader can do about it: one or more full sentences. */
  readonly remedy: string;
  /** The process's exit code when this error ends it. */
  readonly exitCode: ExitCode;

  constructor(
    code: Code,
    message: string,
    remedy: string,
    options: { cause?: unknown; exitCode?: ExitCode } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** A command line or environment that cannot be understood. Exit code 2. */
export class UsageError extends CliError<'usage'> {
  constructor(message: string, remedy: string, options: { cause?: unknown } = {}) {
    super('usage', message, remedy, { ...options, exitCode: 2 });
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
