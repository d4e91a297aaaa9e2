import {
  choice,
  parseCommandLine,
  port,
  switchOption,
  text,
  UsageError,
  valueOption,
  type OptionTable,
} from '@mcp-keyhole/cli-kit';

/** The command line: one table drives parsing, types and `--help`. */
export const options = {
  kickstart: valueOption({
    flag: 'kickstart',
    placeholder: 'FILE',
    help: 'Kickstart file to run at start, in FusionAuth’s format; without it a built-in one with a test user',
    env: 'FUSIONAUTH_APP_KICKSTART_FILE',
    parse: text,
    fallback: undefined,
  }),
  port: valueOption({
    flag: 'port',
    placeholder: 'PORT',
    help: 'Port to listen on; 0 takes any free one. Default 9011',
    parse: (raw) => port(raw, { any: true }),
    fallback: 9011,
  }),
  host: valueOption({
    flag: 'host',
    placeholder: 'HOST',
    help: 'Address to listen on, on loopback only. Default 127.0.0.1, with ::1',
    parse: text,
    fallback: '127.0.0.1',
  }),
  allowNonLoopback: switchOption({
    flag: 'allow-non-loopback',
    help: 'Permit a --host that other machines can reach',
  }),
  unlicensed: switchOption({
    flag: 'unlicensed',
    help: 'Refuse what needs a paid FusionAuth license: third-party applications and custom scopes',
  }),
  signing: valueOption({
    flag: 'signing',
    placeholder: 'ALG',
    help: 'RS256, or HS256 for tokens that no published key verifies. Default RS256',
    parse: choice(['RS256', 'HS256']),
    fallback: 'RS256' as const,
  }),
  debug: switchOption({ flag: 'debug', help: 'Show causes and stacks of failures' }),
} as const satisfies OptionTable;

/** What the command line says. */
export type EmulatorConfig = ReturnType<typeof loadConfig>;

/** @throws UsageError */
export function loadConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>) {
  const line = parseCommandLine(options, { program: 'fusionauth-emulator', argv, env });
  const [surplus] = line.positionals;
  if (surplus !== undefined && !line.help && !line.version) {
    throw new UsageError(
      `${JSON.stringify(surplus)} is not understood.`,
      'The emulator takes flags only, for example --kickstart FILE. `fusionauth-emulator --help` lists them.',
    );
  }
  return line;
}
