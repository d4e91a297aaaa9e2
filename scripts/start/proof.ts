import type { Progress } from '@mcp-keyhole/cli-kit';
import type { StartConfig } from './config.ts';
import { errors } from './errors.ts';
import { Host } from './host.ts';
import { binOf, Program } from './programs.ts';
import { submitSignIn } from './sign-in.ts';
import type { Registration, Undo } from './system.ts';

/** How long a person may take for the sign-in, and how long the forms may take, in milliseconds. */
const personDeadline = 300_000;
const formsDeadline = 60_000;

/** A program that does nothing with the address that it is given. */
const noBrowser = process.platform === 'win32' ? 'where.exe' : 'true';

/**
 * Proves that the system works: starts the proxy as a host would, signs in, and calls the tool.
 *
 * @returns the greeting
 * @throws StartError
 */
export async function prove(
  config: StartConfig,
  registration: Registration,
  progress: Progress,
  undo: Undo,
): Promise<string> {
  const { configuration, testUser } = registration;
  const entry = configuration.mcpServers['name-server'];
  const proxyArgs = entry.args.slice(entry.args.indexOf(registration.resource));
  // What npx would start is not published yet: the same arguments with the proxy of this clone.
  const host = new Host(
    { command: process.execPath, args: [binOf('mcp-keyhole'), ...proxyArgs] },
    config.opensBrowser ? {} : { BROWSER: noBrowser },
  );
  undo.push(() => host.close());

  const connected = host.connect(config.opensBrowser ? personDeadline : formsDeadline);
  connected.catch(() => undefined);
  const address = await progress.step(
    'Starting the proxy as a host would',
    () => Promise.race([host.signInAddress, connected.then(() => undefined)]),
    'The proxy runs and asks for a sign-in.',
  );
  const user = testUser ?? { email: 'test@example.com', password: 'password' };
  if (address !== undefined && config.opensBrowser) {
    progress.note(`Your browser opens. Sign in as ${user.email} with the password "${user.password}".`);
    progress.note(`If it does not open, go to ${address}`);
  }
  await progress.step(
    config.opensBrowser ? 'Waiting for you to sign in' : 'Submitting the login and consent forms',
    async () => {
      if (address !== undefined && !config.opensBrowser) {
        await Promise.race([submitSignIn(address, user), connected]);
      }
      await connected;
    },
    config.opensBrowser
      ? 'Signed in.'
      : `Signed in as ${user.email}: this script submitted the login and consent forms itself.`,
  );
  // The user's own host uses the same client; when all ends the emulator forgets it, and so must the keychain.
  if (host.tokenStore?.includes('keychain') === true) undo.push(() => forget(proxyArgs));
  progress.note(`Token store: ${host.tokenStore ?? 'none, as the tokens could not be kept'}.`);

  const greeting = await progress.step(
    'Calling the tool get_name',
    () => host.greeting(),
    (text) => `get_name answers: ${text}`,
  );
  if (!config.opensBrowser && greeting !== 'Hello, Test User!') {
    throw errors.proofFailed(`it is ${JSON.stringify(greeting)}, not "Hello, Test User!"`, '');
  }
  await host.close();
  return greeting;
}

/** Removes the sign-in from the keychain. */
async function forget(proxyArgs: readonly string[]): Promise<void> {
  const program = new Program('The proxy', 'mcp-keyhole', ['logout', ...proxyArgs], {});
  if ((await program.ended) !== 0) throw errors.programFailed('The logout', program.words);
}
