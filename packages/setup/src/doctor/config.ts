import {
  httpUrl,
  InvalidValue,
  isLoopback,
  listOption,
  parseCommandLine,
  switchOption,
  text,
  UsageError,
  valueOption,
  type OptionValues,
  type ReadTextFile,
} from '@mcp-keyhole/cli-kit';
import {
  demoApiKey,
  options as setupOptions,
  parseBaseUrl,
  parseMcpServerUrl,
  parseUuid,
} from '../config.ts';

/** The options of `doctor`: this table drives parsing, types and `--help`. */
export const doctorOptions = {
  fusionAuthUrl: setupOptions.fusionAuthUrl,
  apiKey: setupOptions.apiKey,
  publicUrl: valueOption({
    flag: 'public-url',
    env: 'FUSIONAUTH_EXTERNAL_URL',
    placeholder: 'URL',
    help: 'Where browsers and clients reach FusionAuth, which its issuer has to be [--fusionauth-url]',
    parse: parseBaseUrl,
    fallback: undefined,
  }),
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
  callbackPort: setupOptions.callbackPort,
  tenantId: setupOptions.tenantId,
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
  json: switchOption({ flag: 'json', help: 'Print the result as one JSON object on stdout' }),
  debug: setupOptions.debug,
} as const;

export type DoctorConfig = Omit<OptionValues<typeof doctorOptions>, 'publicUrl'> & {
  readonly publicUrl: string;
  /** The key to use; undefined where none was given and the demo key must not be tried. */
  readonly key: string | undefined;
};

/**
 * Reads the command line of `doctor`.
 *
 * @throws UsageError
 */
export function loadDoctorConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  codes: readonly string[],
  readTextFile?: ReadTextFile,
): { readonly show: 'help' | 'version' } | { readonly show: 'nothing'; readonly config: DoctorConfig } {
  const line = parseCommandLine(doctorOptions, {
    program: 'mcp-keyhole-setup doctor',
    argv,
    env,
    ...(readTextFile === undefined ? {} : { readTextFile }),
  });
  if (line.help) return { show: 'help' };
  if (line.version) return { show: 'version' };
  const [surplus] = line.positionals;
  if (surplus !== undefined) {
    throw new UsageError(
      `There is nothing to do with ${JSON.stringify(surplus)}.`,
      'doctor takes flags only. `mcp-keyhole-setup doctor --help` lists them.',
    );
  }
  const { values } = line;
  const unknown = values.ignored.find((code) => !codes.includes(code));
  if (unknown !== undefined) {
    throw new UsageError(
      `There is no finding ${JSON.stringify(unknown)} to ignore.`,
      `The findings are ${codes.join(', ')}.`,
    );
  }
  if (values.yes && !values.fix)
    throw new UsageError('--yes is for --fix.', 'Add --fix, or leave --yes out.');
  // Only on this machine: the demo key must not be tried on a FusionAuth somewhere else.
  const demo = isLoopback(new URL(values.fusionAuthUrl)) ? demoApiKey : undefined;
  return {
    show: 'nothing',
    config: Object.freeze({
      ...values,
      publicUrl: values.publicUrl ?? values.fusionAuthUrl,
      key: values.apiKey ?? demo,
    }),
  };
}

function parseOrigin(raw: string): string {
  const { origin, href } = httpUrl(raw);
  if (href !== `${origin}/`) throw new InvalidValue('an origin is scheme, host and port only');
  return origin;
}
