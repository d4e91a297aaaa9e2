import nodeConsole from 'node:console';
import { formatHelp, reportFailure } from '@mcp-keyhole/cli-kit';
import { loadConfig, options } from './config.ts';
import { checkKickstart } from './kickstart-check.ts';
import { startEmulator } from './emulator.ts';

const program = 'fusionauth-emulator';

const help = formatHelp({
  summary: 'A development stand-in for FusionAuth on this machine: no Docker, no database.',
  usage: ['fusionauth-emulator [--kickstart FILE] [--port 9011]', 'fusionauth-emulator kickstart check FILE'],
  options,
  notes: [
    'Prints one line on stdout when it is ready, everything else on stderr. Ctrl+C ends it.',
    'Without --data it keeps nothing: applications and users live until it ends.',
  ],
});

/** Runs until a signal ends it. Resolves to the exit code. */
async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { values, help: wantsHelp, version, checked } = loadConfig(argv, env);
  if (wantsHelp) {
    process.stdout.write(help);
    return 0;
  }
  if (version) {
    process.stdout.write(`${process.env['KEYHOLE_VERSION'] ?? 'development'}\n`);
    return 0;
  }
  if (checked !== undefined) {
    return checkKickstart(checked, { env, write: (text) => process.stdout.write(text) });
  }
  const ended = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  const { kickstart, unlicensed, ...settings } = values;
  const emulator = await startEmulator({
    ...settings,
    licensed: !unlicensed,
    env,
    ...(kickstart === undefined ? {} : { kickstart }),
  });
  process.stdout.write(`FusionAuth emulator ready at ${emulator.url}\n`);
  await ended;
  await emulator.close();
  return 0;
}

// stdout belongs to the ready line; what the OAuth engine has to say on it goes to stderr like everything else.
nodeConsole.info = nodeConsole.error.bind(nodeConsole);

process.exitCode = await main(process.argv.slice(2), process.env).catch((error: unknown) =>
  reportFailure(error, { program, debug: process.argv.includes('--debug') }),
);
