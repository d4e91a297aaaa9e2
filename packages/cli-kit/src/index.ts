export { CliError, UsageError, messageOf, type ExitCode } from './errors.ts';
export { createLog, type Log, type LogFields, type LogLevel } from './log.ts';
export { reportFailure } from './failure.ts';
export { clean, cleanLine } from './clean.ts';
export {
  listOption,
  switchOption,
  valueOption,
  type Option,
  type OptionTable,
  type OptionValues,
} from './options.ts';
export { parseCommandLine, type CommandLine, type CommandLineInput } from './command-line.ts';
export { expandEnvironment, readSecret, type ReadTextFile } from './secret-value.ts';
export { choice, httpUrl, InvalidValue, port, seconds, text } from './value-parsers.ts';
export { formatHelp, type HelpPage } from './help.ts';
export { isLoopback } from './loopback.ts';
export { createProgress, type Progress, type ProgressOutput } from './progress.ts';
export { nearest } from './nearest.ts';
export { stateFolderOf } from './state-folder.ts';
export { html, Html } from './pages/html.ts';
export { page, pageHeaders, type PageFrame } from './pages/page.ts';
export { pageStyle } from './pages/style.ts';
