import { CliError, cleanLine } from '@mcp-keyhole/cli-kit';
import type { HostErrorCode } from './hosts/error-codes.ts';

/** Every code that the setup tool shows. */
export type SetupErrorCode =
  | 'name-missing'
  | 'api-key-missing'
  | 'cancelled'
  | 'confirmation-missing'
  | 'fusionauth-unreachable'
  | 'fusionauth-timeout'
  | 'not-fusionauth'
  | 'api-key-refused'
  | 'tenant-refused'
  | 'unlicensed'
  | 'name-taken'
  | 'fusionauth-rejected'
  | 'fusionauth-failed'
  | 'application-left-over'
  | 'portal-client-unusable'
  | 'cannot-listen'
  | HostErrorCode;

/** An error that the setup tool shows on stderr as it ends. */
export class SetupError extends CliError<SetupErrorCode> {}

const failure = (code: SetupErrorCode, message: string, remedy: string, cause?: unknown): SetupError =>
  new SetupError(code, message, remedy, { cause });

const usage = (code: SetupErrorCode, message: string, remedy: string): SetupError =>
  new SetupError(code, message, remedy, { exitCode: 2 });

/** What FusionAuth said, to stand inside a sentence of ours. */
const quoted = (said: string): string => cleanLine(said).replace(/\.$/u, '');

/** All sentences and remedies in one place. */
export const errors = {
  // Command line
  nameMissing: () =>
    usage(
      'name-missing',
      'The client needs a name, and there is no terminal to ask for it.',
      'Give it: mcp-keyhole-setup --name "Claude Desktop".',
    ),
  apiKeyMissing: (url: string) =>
    usage(
      'api-key-missing',
      `There is no API key for FusionAuth at ${url}.`,
      'Put it into the environment variable FUSIONAUTH_API_KEY or a file (--api-key @FILE). FusionAuth makes keys under Settings → API Keys.',
    ),
  cancelled: () => failure('cancelled', 'Cancelled. Nothing was changed.', 'Run it again when you like.'),
  confirmationMissing: () =>
    usage(
      'confirmation-missing',
      'Changes need your consent, and there is no terminal to ask for it.',
      'Look at what the run without --fix says, then add --yes.',
    ),

  // FusionAuth
  unreachable: (url: string, why: string, cause?: unknown) =>
    failure(
      'fusionauth-unreachable',
      `FusionAuth is not running at ${url} (${cleanLine(why)}).`,
      'Start it (docker compose up -d, or npx @mcp-keyhole/fusionauth-emulator), or name another address with --fusionauth-url.',
      cause,
    ),
  timeout: (url: string, doing: string, milliseconds: number) =>
    failure(
      'fusionauth-timeout',
      `FusionAuth at ${url} did not answer within ${String(milliseconds / 1_000)} seconds (while ${doing}).`,
      'It may still be starting, or a firewall swallows the request. Wait a little and run this again.',
    ),
  notFusionAuth: (url: string, why: string, cause?: unknown) =>
    failure(
      'not-fusionauth',
      `What answers at ${url} is not FusionAuth (${cleanLine(why)}).`,
      'Check the address and the port, and give the right one with --fusionauth-url.',
      cause,
    ),
  apiKeyRefused: (url: string, doing: string) =>
    failure(
      'api-key-refused',
      `FusionAuth at ${url} refuses the API key (while ${doing}).`,
      'Check FUSIONAUTH_API_KEY or --api-key. The key needs the endpoints /api/application, /api/application/scope, /api/application/search, /api/user and /api/user/registration; FusionAuth shows keys under Settings → API Keys.',
    ),
  tenantRefused: (said: string) =>
    failure(
      'tenant-refused',
      `FusionAuth needs to know the tenant (${quoted(said)}).`,
      'Give the id of one of its tenants with --tenant-id; FusionAuth lists them under Tenants.',
    ),
  unlicensed: (said: string) =>
    failure(
      'unlicensed',
      `This FusionAuth has no license for third-party applications and custom scopes (${quoted(said)}).`,
      'Activate one under Reactor, or put it into FUSIONAUTH_LICENSE_KEY before the first start (Essentials or Enterprise plan, https://account.fusionauth.io). To try things out, npx @mcp-keyhole/fusionauth-emulator needs none.',
    ),
  nameTaken: (application?: { name: string; clientId: string | undefined }) =>
    failure(
      'name-taken',
      `An application ${application === undefined ? 'with that name' : `named ${JSON.stringify(application.name)}`} exists already${application?.clientId === undefined ? '' : ` (client id ${application.clientId})`}.`,
      'Choose another name with --name, go on using that client id, or delete the application in FusionAuth under Applications first.',
    ),
  rejected: (doing: string, said: string) =>
    failure(
      'fusionauth-rejected',
      `FusionAuth rejected the request (while ${doing}): ${quoted(said)}.`,
      'What FusionAuth says names the value to change. FusionAuth 1.67.0 or later is needed.',
    ),
  failed: (url: string, doing: string, status: number) =>
    failure(
      'fusionauth-failed',
      `FusionAuth at ${url} answered with HTTP ${String(status)} (while ${doing}).`,
      'It may still be starting: wait a little and run this again. Its own log says more.',
    ),
  leftOver: (application: { name: string; clientId: string }, reason: CliError, cause: unknown) =>
    failure(
      'application-left-over',
      `${reason.message} The half-made application ${JSON.stringify(application.name)} (client id ${application.clientId}) could not be removed again.`,
      `${reason.remedy} Then delete that application in FusionAuth under Applications, and run this again.`,
      cause,
    ),

  // The portal
  cannotListen: (address: string, why: string, cause: unknown) =>
    failure(
      'cannot-listen',
      `The portal cannot listen at ${address} (${cleanLine(why)}).`,
      'End what uses that port, or choose another with --listen.',
      cause,
    ),
  portalClientUnusable: (id: string, why: string, cause?: unknown) =>
    failure(
      'portal-client-unusable',
      `The portal's own application in FusionAuth (id ${id}) cannot be used: ${why}.`,
      'Correct that in FusionAuth under Applications, or delete the application. Then start the portal again: it reads the secret anew, and registers what is not there.',
      cause,
    ),
} as const;
