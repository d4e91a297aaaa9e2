import { once } from 'node:events';
import { constants } from 'node:os';
import { formatHelp, reportFailure } from '@mcp-keyhole/cli-kit';
import { configOf, optionTable, program, readCommandLine, type Environment } from './config.ts';
import { startServer } from './http-server.ts';
import { createLog } from './log.ts';
import { version } from './mcp-server.ts';

const help = formatHelp({
  summary: 'An MCP server over HTTP, protected by FusionAuth, with a tool for each scope.',
  usage: [
    program,
    `FUSIONAUTH_URL=https://auth.example.com MCP_SERVER_URL=https://mcp.example.com ${program}`,
  ],
  options: optionTable,
  notes: [
    'The log goes to stdout, one JSON object a line. SIGINT and SIGTERM end the server orderly, a second one at once.',
  ],
});

const endingSignals = ['SIGINT', 'SIGTERM'] as const;

/** Serves until SIGINT or SIGTERM. @returns the exit code */
async function main(argv: readonly string[], env: Environment): Promise<number> {
  const line = readCommandLine(argv, env);
  if (line.help || line.version) {
    process.stdout.write(line.help ? help : `${version}\n`);
    return 0;
  }
  const config = configOf(line.values);
  // Before the server says that it listens: whoever reads that may end it.
  const ending = Promise.race(endingSignals.map((signal) => once(process, signal)));
  const server = await startServer(config, { log: createLog({ debug: line.values.debug }) });
  await ending;
  // Who asks twice does not want to wait.
  for (const signal of endingSignals) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
  await server.close();
  return 0;
}

/** Milliseconds that a call to FusionAuth, which cannot be aborted, may hold the process after all else has ended. */
const lastCallDeadline = 500;

const argv = process.argv.slice(2);
process.exitCode = await main(argv, process.env).catch((error: unknown) =>
  reportFailure(error, { program, debug: argv.includes('--debug') }),
);
setTimeout(() => process.exit(), lastCallDeadline).unref();
