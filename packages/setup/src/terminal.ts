import { confirm, isCancel, password, text } from '@clack/prompts';
import { createProgress, messageOf, type Progress } from '@mcp-keyhole/cli-kit';
import { parseApiKey, parseName } from './option-values.ts';
import { errors } from './errors.ts';

/** The person before the program: progress goes to stderr, since stdout is for the result. */
export interface Terminal extends Progress {
  /** Asks for the client's name; undefined where nobody can be asked. Throws SetupError `cancelled`. */
  readonly askName: (() => Promise<string>) | undefined;
  /** Asks for the API key of a FusionAuth, hidden; undefined where nobody can be asked. Throws SetupError `cancelled`. */
  readonly askApiKey: ((fusionAuthUrl: string) => Promise<string>) | undefined;
  /** Asks a question with yes or no; undefined where nobody can be asked. Throws SetupError `cancelled`. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}

/** The terminal of a process. Its progress is not the spinner of clack, whose Ctrl+C ends the process with exit code 0. */
export function openTerminal(streams: { input: NodeJS.ReadStream; output: NodeJS.WriteStream }): Terminal {
  const { input, output } = streams;
  const person = input.isTTY && output.isTTY;
  return {
    ...createProgress(output),
    askName: person ? () => askName(streams) : undefined,
    askApiKey: person ? (url) => askApiKey(url, streams) : undefined,
    confirm: person ? (question) => askYesNo(question, streams) : undefined,
  };
}

async function askYesNo(
  message: string,
  streams: { input: NodeJS.ReadStream; output: NodeJS.WriteStream },
): Promise<boolean> {
  const answer = await confirm({ ...streams, message });
  if (isCancel(answer)) throw errors.cancelled();
  return answer;
}

async function askApiKey(
  url: string,
  streams: { input: NodeJS.ReadStream; output: NodeJS.WriteStream },
): Promise<string> {
  const answer = await password({
    ...streams,
    message: `API key of FusionAuth at ${url} (Settings → API Keys; it is not shown)`,
    validate: (value) => complaintAbout(parseApiKey, value ?? ''),
  });
  if (isCancel(answer)) throw errors.cancelled();
  return parseApiKey(answer);
}

async function askName(streams: { input: NodeJS.ReadStream; output: NodeJS.WriteStream }): Promise<string> {
  const answer = await text({
    ...streams,
    message: 'Name of this MCP client',
    placeholder: 'Claude Desktop',
    defaultValue: 'Claude Desktop',
    validate: (value) => (value === undefined || value === '' ? undefined : complaintAbout(parseName, value)),
  });
  if (isCancel(answer)) throw errors.cancelled();
  return parseName(answer);
}

function complaintAbout(parse: (raw: string) => string, value: string): string | undefined {
  try {
    parse(value);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
