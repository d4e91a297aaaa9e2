import { formatHelp, reportFailure } from '@mcp-keyhole/cli-kit';
import { register } from './commands/register.ts';
import { loadConfig, options } from './config.ts';
import { connectFusionAuth } from './fusionauth.ts';
import { formatReport } from './report.ts';
import { openTerminal } from './terminal.ts';

const program = 'mcp-keyhole-setup';

const help = formatHelp({
  summary: 'Registers an MCP client in FusionAuth and prints the configuration for its host.',
  usage: [
    `${program} [--name NAME] [flags]`,
    `${program} configure <host> <url> [--client-id ID] [flags]`,
    `${program} doctor [flags]`,
  ],
  options,
  notes: [
    'The API key need not stand on the command line, where other programs can see it: FUSIONAUTH_API_KEY, @file and ${ENV}\n' +
      'keep it away from there.',
    'Exit code: 0 registered, 1 failure (nothing is left half-made, or the message says what), 2 usage.',
  ],
});

async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  try {
    if (argv[0] === 'configure') {
      const { runConfigure } = await import('./commands/configure-main.ts');
      return await runConfigure(argv.slice(1), env);
    }
    if (argv[0] === 'doctor') {
      const { runDoctor } = await import('./commands/doctor-main.ts');
      return await runDoctor(argv.slice(1), env);
    }
    const invocation = loadConfig(argv, env);
    if (invocation.show === 'help') process.stdout.write(help);
    if (invocation.show === 'version') {
      process.stdout.write(`${process.env['KEYHOLE_VERSION'] ?? 'development'}\n`);
    }
    if (invocation.show !== 'nothing') return 0;
    const { config } = invocation;
    const registration = await register(
      config,
      connectFusionAuth({ url: config.fusionAuthUrl, apiKey: config.apiKey, tenantId: config.tenantId }),
      openTerminal({ input: process.stdin, output: process.stderr }),
    );
    process.stdout.write(
      config.json ? `${JSON.stringify(registration)}\n` : `\n${formatReport(registration, process.platform)}`,
    );
    return 0;
  } catch (error) {
    return reportFailure(error, { program, debug: argv.includes('--debug') });
  }
}

// Not awaited here: a chunk that is loaded later and needs this module would wait for its end.
void main(process.argv.slice(2), process.env).then((exitCode) => {
  process.exitCode = exitCode;
  // A call that was given up at its deadline still holds its socket, which its client cannot close: do not wait for it.
  setTimeout(() => process.exit(), 200).unref();
});
