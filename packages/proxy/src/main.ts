import { createLog, reportFailure, type Log } from '@mcp-keyhole/cli-kit';
import { connect } from './commands/connect.ts';
import { loadConfig, type ProxyConfig } from './config.ts';
import { errors } from './errors.ts';
import { watchParent } from './parent-watch.ts';

const program = 'mcp-keyhole';

/** argv and env in, exit code out. `connect` is there at once, as hosts wait for it; other commands are loaded when they run. */
async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const invocation = loadConfig(argv, env);
  switch (invocation.show) {
    case 'help':
      print((await import('./help.ts')).helpText());
      return 0;
    case 'version':
      print(`${process.env['KEYHOLE_VERSION'] ?? 'development'}\n`);
      return 0;
    case 'nothing':
      return run(invocation.config);
  }
}

async function run(config: ProxyConfig): Promise<number> {
  const log = createLog({ program, level: config.debug ? 'debug' : config.silent ? 'silent' : 'info' });
  const shutdown = new AbortController();
  const end = (): void => {
    shutdown.abort(errors.shuttingDown());
  };
  const interrupted = onSignal(end);
  // Nobody reads the output any more: `mcp-keyhole tools … | head`, or a host that has gone.
  process.stdout.on('error', end);
  const unwatch = config.command === 'connect' ? watchParent(end) : undefined;
  try {
    return await start(config, log, shutdown.signal);
  } catch (error) {
    if (interrupted() && config.command !== 'connect') return 130;
    throw error;
  } finally {
    unwatch?.();
    end();
  }
}

async function start(config: ProxyConfig, log: Log, signal: AbortSignal): Promise<number> {
  const { command, server } = config;
  const output = process.stdout;
  if (command === 'status') return (await import('./commands/status.ts')).status(config, log, print);
  if (command === 'secret') return (await import('./commands/secret.ts')).secret(config, signal, output);
  if (command === 'import')
    return (await import('./commands/import.ts')).importSignIn(config, log, signal, output);
  if (server === undefined) throw errors.urlMissing();
  switch (command) {
    case 'connect':
      return connect(config, server, log, signal);
    case 'login':
      return (await import('./commands/login.ts')).login(config, server, log, signal, print);
    case 'logout':
      return (await import('./commands/logout.ts')).logout(config, server, log, signal, print);
    case 'tools':
      return (await import('./commands/tools.ts')).tools(config, server, log, signal, output);
    case 'call':
      return (await import('./commands/call.ts')).call(config, server, log, signal, output);
    case 'doctor':
      return (await import('./commands/doctor.ts')).doctor(config, server, log, signal, output);
  }
}

/** Ends the run in order at the first signal, at once at the second. */
function onSignal(end: () => void): () => boolean {
  let interrupted = false;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (interrupted) process.exit(130);
      interrupted = true;
      end();
    });
  }
  return () => interrupted;
}

function print(text: string): void {
  process.stdout.write(text);
}

function report(error: unknown): number {
  return reportFailure(error, { program, debug: process.argv.includes('--debug') });
}

// A terminal or a host that no longer shows what went wrong is no reason to end.
process.stderr.on('error', () => undefined);
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => process.exit(report(error)));
}

// Not awaited here: the chunks that are loaded later import this one, and would wait for its end.
void main(process.argv.slice(2), process.env)
  .catch(report)
  .then((exitCode) => {
    // What is still under way (a keychain that does not answer, an open stream) must not keep the process alive; what was
    // written to stdout must have left it.
    process.stdout.write('', () => process.exit(exitCode));
  });
// Until then: a process that has nothing left to wait for has not done its work.
process.exitCode = 1;
