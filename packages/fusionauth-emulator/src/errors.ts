import { CliError } from '@mcp-keyhole/cli-kit';

/** The codes of {@link EmulatorError}; the README lists each. */
export type EmulatorErrorCode =
  | 'port-in-use'
  | 'cannot-listen'
  | 'non-loopback-host'
  | 'data-damaged'
  | 'data-in-use'
  | 'data-unusable'
  | 'kickstart-unreadable'
  | 'kickstart-invalid'
  | 'kickstart-expression'
  | 'kickstart-request-failed';

/** What keeps the emulator from starting. */
export class EmulatorError extends CliError<EmulatorErrorCode> {}

/** Every code, sentence and remedy that a user of the emulator may read. */
export const errors = {
  portInUse: (port: number) =>
    new EmulatorError(
      'port-in-use',
      `Port ${port} is taken by another program.`,
      `End that program (perhaps another emulator or FusionAuth itself), or choose another port: --port ${port + 1}. --port 0 takes any free one.`,
    ),
  cannotListen: (host: string, port: number, reason: string, cause: unknown) =>
    new EmulatorError(
      'cannot-listen',
      `The emulator cannot listen on ${host}, port ${port}: ${reason}.`,
      'Choose another --host or --port. Ports below 1024 often need administrator rights.',
      { cause },
    ),
  nonLoopbackHost: (host: string) =>
    new EmulatorError(
      'non-loopback-host',
      `The emulator does not listen on ${host}: others in the network could reach it.`,
      'It is a development stand-in with published demo passwords. Use 127.0.0.1, or, on a network you trust, add --allow-non-loopback.',
      { exitCode: 2 },
    ),
  dataDamaged: (file: string, problem: string) =>
    new EmulatorError(
      'data-damaged',
      `The data file ${file} is damaged: ${problem}.`,
      'It was left as it is. Put back a copy of it, or move it away (for example to state.jsonl.damaged) to begin anew with the kickstart.',
    ),
  dataInUse: (folder: string, cause: unknown) =>
    new EmulatorError(
      'data-in-use',
      `Another emulator keeps its data in ${folder}.`,
      'End that emulator, or name another folder after --data.',
      { cause },
    ),
  dataUnusable: (folder: string, reason: string, cause: unknown) =>
    new EmulatorError(
      'data-unusable',
      `The emulator cannot keep its data in ${folder}: ${reason}.`,
      'Name a folder after --data that you may write to.',
      { cause },
    ),
  kickstartUnreadable: (path: string, reason: string, cause: unknown) =>
    new EmulatorError(
      'kickstart-unreadable',
      `The kickstart file ${path} cannot be read: ${reason}.`,
      'Check the path after --kickstart. Without that flag the built-in kickstart is used.',
      { cause },
    ),
  kickstartInvalid: (where: string, problem: string) =>
    new EmulatorError(
      'kickstart-invalid',
      `The kickstart is not valid: ${where} ${problem}.`,
      'FusionAuth’s documentation describes the format: variables, apiKeys, licenseId and requests.',
    ),
  kickstartExpression: (expression: string, where: string, problem: string) =>
    new EmulatorError(
      'kickstart-expression',
      `The kickstart uses #{${expression}} in ${where}, ${problem}.`,
      'Define it under "variables", or for #{ENV.NAME} set that environment variable.',
    ),
  kickstartRequestFailed: (place: string, status: number, answer: string) =>
    new EmulatorError(
      'kickstart-request-failed',
      `The kickstart’s ${place} failed with HTTP ${status}${answer === '' ? '' : `: ${answer}`}`,
      status === 501
        ? 'The emulator has only the part of FusionAuth’s API that its README lists. Remove that request, or use the real FusionAuth.'
        : 'Correct that request in the kickstart file and start again.',
    ),
};
