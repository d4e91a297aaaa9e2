import { messageOf } from '@mcp-keyhole/cli-kit';
import { SetupError, type SetupErrorCode } from '../errors.ts';

interface Place {
  readonly line: number;
  readonly column: number;
}

const at = (file: string, { line, column }: Place): string => `${file}, line ${line}, column ${column}`;

const failure = (code: SetupErrorCode, message: string, remedy: string, cause?: unknown): SetupError =>
  new SetupError(code, message, remedy, { cause });

const usage = (code: SetupErrorCode, message: string, remedy: string): SetupError =>
  new SetupError(code, message, remedy, { exitCode: 2 });

/** All sentences and remedies about hosts. */
export const hostErrors = {
  malformed: (file: string, place: Place, why: string) =>
    failure(
      'configuration-malformed',
      `${at(file, place)}: this cannot be read (${why}). Nothing was changed.`,
      'The host cannot read it either: correct that line, and run this again.',
    ),
  shape: (file: string, place: Place, why: string) =>
    failure(
      'configuration-shape',
      `${at(file, place)}: ${why}. Nothing was changed.`,
      'Correct that by hand, or put the entry in by hand: --print shows it.',
    ),
  foreignEntry: (file: string, name: string, place: Place) =>
    failure(
      'entry-foreign',
      `${at(file, place)}: the entry ${name} does not start mcp-keyhole. Nothing was changed.`,
      'Choose another name with --name; or let it be replaced with --replace, or remove it by hand.',
    ),
  entryMissing: (file: string, names: readonly string[]) =>
    failure(
      'entry-missing',
      names.length === 0
        ? `There is no entry of mcp-keyhole in ${file}.`
        : `Which entry of ${file} is meant: ${names.join(', ')}?`,
      names.length === 0 ? 'Nothing has to be removed.' : 'Name it with --name.',
    ),
  unreadable: (file: string, cause: unknown) =>
    failure(
      'configuration-unreadable',
      `${file} cannot be read (${messageOf(cause)}).`,
      'It has to be a text file in UTF-8 that you may read.',
      cause,
    ),
  unwritable: (file: string, cause: unknown) =>
    failure(
      'configuration-unwritable',
      `${file} cannot be written (${messageOf(cause)}). It is as it was.`,
      'Check that the file and its folder are yours and may be written.',
      cause,
    ),
  busy: (file: string) =>
    failure(
      'configuration-busy',
      `${file} changes again and again while it is to be written.`,
      'End the host first, and run this again.',
    ),
  argumentUnsafe: (argument: string) =>
    usage(
      'argument-unsafe',
      `On Windows ${JSON.stringify(argument)} cannot be an argument: its command interpreter would take a part for its own.`,
      'Leave out spaces, quotes and the characters & | < > ^ % ! ( ). A file can be named instead: --header-file, --ca-file.',
    ),
  hostAbsent: (title: string, file: string) =>
    failure(
      'host-absent',
      `${title} does not seem to be installed: there is nothing of it where it would read ${file}.`,
      'Install it first. To write the file all the same, say --create; for another place, --file.',
    ),
  scopeUnsupported: (title: string) =>
    usage(
      'scope-unsupported',
      `${title} reads no configuration from a project's folder.`,
      'Leave out --scope project.',
    ),
  declined: () => failure('cancelled', 'Nothing was changed.', 'Run it again when you like.'),
  nothingToUndo: (file: string) =>
    failure(
      'nothing-to-undo',
      `Nothing was written to ${file} that could be undone.`,
      'Nothing has to be done.',
    ),
  changedSince: (file: string, backup: string | undefined) =>
    failure(
      'changed-since',
      `${file} was changed by somebody else since it was written. Nothing was changed.`,
      `Take out the entry alone with --remove.${backup === undefined ? '' : ` The file as it was before is ${backup}.`}`,
    ),
  extensionFailed: (what: string, said: string, cause?: unknown) =>
    failure(
      'extension-failed',
      `The extension could not be made: ${what} failed (${said}).`,
      'npm has to be there, and its registry reachable. Run this again with --debug for more.',
      cause,
    ),
} as const;
