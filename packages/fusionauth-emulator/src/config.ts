import {
  choice,
  InvalidValue,
  parseCommandLine,
  port,
  switchOption,
  text,
  UsageError,
  valueOption,
  type OptionTable,
} from '@mcp-keyhole/cli-kit';
import { currentVersion, isVersion } from './store/version.ts';

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
  emptyJwks: switchOption({
    flag: 'empty-jwks',
    help: 'Publish no key although tokens are signed RS256',
  }),
  data: valueOption({
    flag: 'data',
    placeholder: 'DIR',
    help: 'Keep everything in this folder, so that a restart goes on with it. Default: in memory only',
    parse: text,
    fallback: undefined,
  }),
  issuer: valueOption({
    flag: 'issuer',
    placeholder: 'ISSUER',
    help: 'The tenant’s issuer, whatever the kickstart sets; acme.com is FusionAuth’s default',
    parse: text,
    fallback: undefined,
  }),
  clientAuthentication: valueOption({
    flag: 'client-authentication',
    placeholder: 'POLICY',
    help: 'Policy of applications that name none: Required (the default), NotRequired or NotRequiredWhenUsingPKCE',
    parse: choice(['Required', 'NotRequired', 'NotRequiredWhenUsingPKCE']),
    fallback: undefined,
  }),
  refreshUsage: valueOption({
    flag: 'refresh-usage',
    placeholder: 'POLICY',
    help: 'Reusable or OneTimeUse, whatever the kickstart sets',
    parse: choice(['Reusable', 'OneTimeUse']),
    fallback: undefined,
  }),
  refreshGrace: valueOption({
    flag: 'refresh-grace',
    placeholder: 'SECONDS',
    help: 'Under OneTimeUse, how long a used refresh token is still answered; 0 to 86400',
    parse: graceSeconds,
    fallback: undefined,
  }),
  dpopNonces: switchOption({
    flag: 'dpop-nonces',
    help: 'Ask for nonces in DPoP proofs, which FusionAuth does not',
  }),
  fusionAuthVersion: valueOption({
    flag: 'fusionauth-version',
    placeholder: 'VERSION',
    help: `The version to speak. Before 1.63.0 there is no DPoP, before 1.67.0 no resource, before 1.69.0 no iss. Default ${currentVersion}`,
    parse: version,
    fallback: undefined,
  }),
  debug: switchOption({ flag: 'debug', help: 'Show causes and stacks of failures' }),
} as const satisfies OptionTable;

function graceSeconds(raw: string): number {
  // FusionAuth's own bounds of gracePeriodInSeconds.
  if (/^\d{1,5}$/u.test(raw) && Number(raw) <= 86_400) return Number(raw);
  throw new InvalidValue('it is a whole number of seconds from 0 to 86400');
}

function version(raw: string): string {
  if (isVersion(raw)) return raw;
  throw new InvalidValue('it is a version of FusionAuth, such as 1.66.0');
}

/** What the command line says. */
export type EmulatorConfig = ReturnType<typeof loadConfig>;

/** @throws UsageError */
export function loadConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>) {
  const line = parseCommandLine(options, { program: 'fusionauth-emulator', argv, env });
  const [command, action, file] = line.positionals;
  const isCheck = command === 'kickstart' && action === 'check' && line.positionals.length === 3;
  const checked = isCheck ? file : undefined;
  if (command !== undefined && !isCheck && !line.help && !line.version) {
    throw new UsageError(
      `${JSON.stringify(line.positionals.join(' '))} is not understood.`,
      'The emulator takes flags, for example --kickstart FILE, or `kickstart check FILE`. `fusionauth-emulator --help` lists them.',
    );
  }
  return { ...line, checked };
}
