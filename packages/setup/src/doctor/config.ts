import {
  httpUrl,
  InvalidValue,
  listOption,
  switchOption,
  text,
  UsageError,
  valueOption,
  type OptionValues,
} from '@mcp-keyhole/cli-kit';
import { demoKeyFor } from '../api-key.ts';
import { parseMcpServerUrl, parseUuid } from '../option-values.ts';
import { clientOptions, connectionOptions, outputOptions, publicUrlOption } from '../options.ts';

/** The options of `doctor`: this table drives parsing, types and `--help`. */
export const options = {
  ...connectionOptions,
  ...publicUrlOption,
  mcpServerUrl: valueOption({
    flag: 'mcp-server-url',
    env: 'MCP_SERVER_URL',
    placeholder: 'URL',
    help: 'Look at the metadata of this MCP server as well; without /mcp',
    parse: parseMcpServerUrl,
    fallback: undefined,
  }),
  clientIds: listOption({
    flag: 'client-id',
    placeholder: 'ID',
    help: 'Look at this client as well',
    parse: parseUuid,
  }),
  callbackPort: clientOptions.callbackPort,
  browserOrigins: listOption({
    flag: 'browser-origin',
    placeholder: 'ORIGIN',
    help: 'A host that runs in a web page comes from there, such as http://localhost:6274: look whether CORS lets it in',
    parse: parseOrigin,
  }),
  ignored: listOption({
    flag: 'ignore',
    placeholder: 'CODE',
    help: 'A finding that is so on purpose',
    parse: text,
  }),
  fix: switchOption({ flag: 'fix', help: 'Show what would be changed, ask, change it, and look again' }),
  yes: switchOption({ flag: 'yes', help: 'With --fix: change without asking' }),
  ...outputOptions,
} as const;

export type DoctorConfig = Omit<OptionValues<typeof options>, 'publicUrl'> & {
  readonly publicUrl: string;
  /** The key to use; undefined where none was given and the demo key must not be tried. */
  readonly key: string | undefined;
};

/**
 * The config of what the command line says.
 *
 * @param codes all findings that `--ignore` may name
 * @throws UsageError
 */
export function configOf(values: OptionValues<typeof options>, codes: readonly string[]): DoctorConfig {
  const unknown = values.ignored.find((code) => !codes.includes(code));
  if (unknown !== undefined) {
    throw new UsageError(
      `There is no finding ${JSON.stringify(unknown)} to ignore.`,
      `The findings are ${codes.join(', ')}.`,
    );
  }
  if (values.yes && !values.fix)
    throw new UsageError('--yes is for --fix.', 'Add --fix, or leave --yes out.');
  return {
    ...values,
    publicUrl: values.publicUrl ?? values.fusionAuthUrl,
    key: values.apiKey ?? demoKeyFor(values.fusionAuthUrl),
  };
}

function parseOrigin(raw: string): string {
  const { origin, href } = httpUrl(raw);
  if (href !== `${origin}/`) throw new InvalidValue('an origin is scheme, host and port only');
  return origin;
}
