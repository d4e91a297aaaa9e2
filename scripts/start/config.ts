import {
  formatHelp,
  parseCommandLine,
  port,
  switchOption,
  UsageError,
  valueOption,
  type OptionValues,
} from '@mcp-keyhole/cli-kit';

const program = 'npm start --';

const portOption = (flag: string, fallback: number, help: string) =>
  valueOption({
    flag,
    placeholder: 'PORT',
    help: `${help} [${fallback}]`,
    parse: (raw) => port(raw),
    fallback,
  });

const options = {
  yes: switchOption({
    flag: 'yes',
    help: 'Submit the login and consent forms, instead of opening a browser',
  }),
  once: switchOption({ flag: 'once', help: 'End after the proof, also on a terminal' }),
  npx: switchOption({
    flag: 'npx',
    help: 'Print the configuration that starts the published package with npx',
  }),
  port: portOption('port', 8000, 'The port of the protected MCP server'),
  fusionAuthPort: portOption('fusionauth-port', 9011, 'The port of the FusionAuth emulator'),
  callbackPort: portOption('callback-port', 3334, 'The port to which a sign-in comes back'),
  debug: switchOption({ flag: 'debug', help: 'Show what caused a failure' }),
} as const;

/** What `npm start` was told, and what it found around it. */
export type StartConfig = OptionValues<typeof options> & {
  /** A person signs in, in a browser that opens by itself. */
  readonly opensBrowser: boolean;
  /** The system stays up after the proof, until Ctrl+C. */
  readonly staysUp: boolean;
};

export const help = formatHelp({
  summary: 'Starts the whole system on this machine, and proves that it works.',
  usage: [`${program} [flags]`],
  options,
});

/** @throws UsageError */
export function loadConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  around: { platform: NodeJS.Platform; isTerminal: boolean },
): StartConfig | 'help' {
  const line = parseCommandLine(options, { program, argv, env });
  if (line.help || line.version) return 'help';
  const surplus = line.positionals[0];
  if (surplus !== undefined) {
    throw new UsageError(
      `There is nothing to do with ${JSON.stringify(surplus)}.`,
      `npm takes flags for itself unless -- stands before them: ${program} --port 8001.`,
    );
  }
  return Object.freeze({
    ...line.values,
    opensBrowser: !line.values.yes && hasDisplay(env, around.platform),
    staysUp: !line.values.once && around.isTerminal,
  });
}

function hasDisplay(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): boolean {
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  if (isSet('CI')) return false;
  return platform === 'darwin' || platform === 'win32' || isSet('DISPLAY') || isSet('WAYLAND_DISPLAY');
}
