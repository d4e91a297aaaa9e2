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
  | 'client-unknown'
  | 'client-foreign'
  | 'client-public'
  | 'client-unsuitable'
  | 'clients-file-unreadable'
  | 'clients-file-invalid'
  | 'names-taken'
  | 'apply-incomplete'
  | 'interrupted'
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
  confirmationMissing: (what: string, look: string) =>
    usage(
      'confirmation-missing',
      `Nobody can be asked whether ${what}. Nothing was changed.`,
      `Say --yes when it may; ${look} only shows it.`,
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
      'Choose another name with --name, or let this tool take that application over with --foreign: it is changed then.',
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

  // Clients
  clientUnknown: (reference: string, meant: string | undefined) =>
    failure(
      'client-unknown',
      `FusionAuth has no application with the name or client id ${JSON.stringify(reference)}.`,
      `${meant === undefined ? '' : `Did you mean ${JSON.stringify(meant)}? `}\`mcp-keyhole-setup list\` shows the clients; --tenant-id says where to look.`,
    ),
  clientForeign: (name: string, clientId: string) =>
    failure(
      'client-foreign',
      `The application ${JSON.stringify(cleanLine(name))} (client id ${clientId}) was not made by this tool.`,
      "Check that it is an MCP client, and add --foreign. FusionAuth's own application is never touched.",
    ),
  clientPublic: (name: string) =>
    failure(
      'client-public',
      `The client ${JSON.stringify(cleanLine(name))} has no secret: it is a public one.`,
      'Nothing has to be rotated. `mcp-keyhole-setup update NAME --confidential` gives it a secret.',
    ),
  clientUnsuitable: (name: string, why: string, flag: string) =>
    failure(
      'client-unsuitable',
      `The client ${JSON.stringify(cleanLine(name))} cannot be used here: ${cleanLine(why)}.`,
      `\`mcp-keyhole-setup update NAME ${flag}\` changes that; or name another client with --client.`,
    ),
  clientsFileUnreadable: (file: string, why: string, cause: unknown) =>
    new SetupError(
      'clients-file-unreadable',
      `${file} cannot be read (${cleanLine(why)}).`,
      'It is a text file in UTF-8 that you may read.',
      { cause, exitCode: 2 },
    ),
  clientsFileInvalid: (file: string, mistakes: readonly string[]) =>
    usage(
      'clients-file-invalid',
      `${file} has ${mistakes.length === 1 ? 'a mistake' : `${String(mistakes.length)} mistakes`}. Nothing was changed.`,
      mistakes
        .slice(0, 20)
        .map((mistake) => cleanLine(mistake, 500))
        .join('\n'),
    ),
  namesTaken: (names: readonly string[]) =>
    failure(
      'names-taken',
      `There are applications that this tool did not make, or that belong to a user of the portal, with names of the file: ${cleanLine(names.map((name) => JSON.stringify(name)).join(', '))}. Nothing was changed.`,
      'Choose other names. What is not of the portal is taken over with --foreign.',
    ),
  applyIncomplete: (
    failed: number,
    missing: number,
    first: { code: string; message: string; remedy: string } | undefined,
  ) =>
    failure(
      'apply-incomplete',
      `${String(failed)} failed, ${String(missing)} not begun.${first === undefined ? '' : ` The first: ${first.message} [${first.code}]`}`,
      `${first === undefined ? '' : `${first.remedy} `}Run it again: it does what is missing, and nothing twice.`,
    ),
  interrupted: (signal: unknown, count: { done: number; failed: number; missing: number }) =>
    new SetupError(
      'interrupted',
      `Interrupted: ${String(count.done)} done, ${String(count.failed)} failed, ${String(count.missing)} not begun.`,
      'Run it again: it does what is missing, and nothing twice.',
      { exitCode: signal === 'SIGTERM' ? 143 : 130 },
    ),
  leftOver: (application: { name: string; clientId: string }, reason: CliError, cause: unknown) =>
    failure(
      'application-left-over',
      `${reason.message} The half-made application ${JSON.stringify(application.name)} (client id ${application.clientId}) could not be removed again.`,
      `${reason.remedy} Then run this again, which completes it; or remove it: mcp-keyhole-setup remove ${application.clientId}.`,
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
