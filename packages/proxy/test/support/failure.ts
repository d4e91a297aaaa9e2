import { CliError } from '@mcp-keyhole/cli-kit';

/** What `work` throws; not throwing fails the test. */
export async function failureOf(work: () => unknown): Promise<Error> {
  let value: unknown;
  try {
    value = await work();
  } catch (error) {
    if (error instanceof Error) return error;
    throw new TypeError(`something that is no Error was thrown: ${String(error)}`, { cause: error });
  }
  throw new Error(`nothing was thrown; the outcome was ${JSON.stringify(value)}`);
}

/** The CliError that `work` ends in, with all that a user may read of it as `text`. */
export async function refusalOf(work: () => unknown): Promise<CliError & { text: string }> {
  const error = await failureOf(work);
  if (!(error instanceof CliError)) throw error;
  return Object.assign(error, { text: `${error.message}\n${error.remedy}` });
}

/** Every text in an error and its causes, as `--debug` would show it. */
export function everythingIn(error: unknown): string {
  const texts: string[] = [];
  for (let link = error; link instanceof Error; link = link.cause) {
    texts.push(link.message, link instanceof CliError ? link.remedy : '');
  }
  return texts.join('\n');
}
