import { createProgress, reportFailure, type Progress } from '@mcp-keyhole/cli-kit';
import { help, loadConfig, type StartConfig } from './config.ts';
import { errors } from './errors.ts';
import { checkPorts } from './ports.ts';
import { prove } from './proof.ts';
import { registerClient, startSystem, type System, type Undo } from './system.ts';

/** Builds all packages. */
type Build = () => Promise<{ code: number | null; output: string }>;

/** Starts the system, proves it, and keeps it up if there is somebody to use it. @returns the exit code */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  build: Build,
): Promise<number> {
  const progress = createProgress(process.stdout, { timed: true });
  const undo: Undo = [];
  try {
    const config = loadConfig(argv, env, {
      platform: process.platform,
      isTerminal: process.stdout.isTTY,
    });
    if (config === 'help') {
      process.stdout.write(help);
      return 0;
    }
    const interruption = interrupted();
    progress.heading('Keyhole: sign in to OAuth-protected MCP servers from hosts that only speak stdio');
    const system = await startAndProve(config, build, alert(progress, interruption.thrown), undo);
    if (config.staysUp) {
      process.stdout.write('\nAll of it stays up for your own MCP host. Ctrl+C ends it.\n');
      await Promise.race([system.failure, interruption.promise]);
      process.stdout.write('\n');
    }
    return 0;
  } catch (error) {
    return reportFailure(error, { program: 'npm start', debug: argv.includes('--debug') });
  } finally {
    await undoAll(undo, progress);
  }
}

async function startAndProve(
  config: StartConfig,
  build: Build,
  progress: Progress,
  undo: Undo,
): Promise<System> {
  await checkPorts(config);
  await progress.step(
    'Building the packages',
    async () => {
      const { code, output } = await build();
      if (code !== 0) throw errors.buildFailed(output);
    },
    'The packages are built.',
  );
  const system = await startSystem(config, progress, undo);
  const whileUp = alert(progress, system.failure);
  const registration = await registerClient(config, system, whileUp);
  process.stdout.write(
    `\nThe configuration for ${registration.name}, to go into claude_desktop_config.json:\n\n` +
      `${JSON.stringify(registration.configuration, undefined, 2)}\n\n` +
      (config.npx ? 'It starts the published package; from this clone leave --npx out.\n\n' : ''),
  );
  const greeting = await prove(config, registration, whileUp, undo);
  process.stdout.write(`\n${greeting}\n`);
  return system;
}

/** The progress whose steps also end when `failure` rejects. */
function alert(progress: Progress, failure: Promise<never>): Progress {
  return {
    ...progress,
    step: (doing, work, done) => progress.step(doing, () => Promise.race([work(), failure]), done),
  };
}

/** Ctrl+C, or being told to end: once as a fact, once as a failure. */
function interrupted(): { promise: Promise<void>; thrown: Promise<never> } {
  // More than one comes with one Ctrl+C: the terminal's, and the one that npm passes on. The end is bounded anyway.
  const promise = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  const thrown = promise.then(() => Promise.reject(errors.interrupted()));
  thrown.catch(() => undefined);
  return { promise, thrown };
}

async function undoAll(undo: Undo, progress: Progress): Promise<void> {
  if (undo.length === 0) return;
  const all = async (): Promise<void> => {
    for (let end = undo.pop(); end !== undefined; end = undo.pop()) {
      await end().catch((error: unknown) => reportFailure(error, { program: 'npm start' }));
    }
  };
  await progress.step('Ending what was started', all, 'Everything that was started has ended.');
}
