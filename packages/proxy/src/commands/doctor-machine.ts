import { randomUUID } from 'node:crypto';
import { cleanLine, type Log } from '@mcp-keyhole/cli-kit';
import { whyNoBrowser } from '../authorization/browser.ts';
import { portLock, withCallbackServer } from '../authorization/callback-port.ts';
import type { ProxyConfig } from '../config.ts';
import { errors, ProxyError } from '../errors.ts';
import { openSecretsOf } from '../proxy.ts';
import { StateFolder } from '../state-folder.ts';
import { check, fine, warning, wrong, type Finding, type Verdict } from './finding.ts';
import { portHolder } from './port-holder.ts';

const oldestNode = '20.18.1';

/** Looks at what a sign-in needs on this machine. */
export async function* examineMachine(
  config: ProxyConfig,
  server: URL,
  log: Log,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const folder = new StateFolder(config.stateFolder);
  yield check('node', () => nodeVerdict(process.versions.node));
  yield check('state-folder', async () => {
    await folder.write('doctor-probe', '');
    await folder.remove('doctor-probe');
    return fine(`${folder.path} is writable`);
  });
  yield check('token-store', () => storeVerdict(config));
  if (config.deviceCode || config.clientCredentials || config.workloadToken !== undefined) return;
  yield check('browser', () => {
    const why = whyNoBrowser(config.environment, !config.noBrowser);
    if (why === undefined) return fine('a browser can open here');
    return warning(
      `no browser opens: ${why}`,
      `Run \`mcp-keyhole login ${server.href}\` in a terminal: it shows the address to sign in at, and takes the one that the browser ends at. Or use --device-code.`,
    );
  });
  yield check('callback-port', () => portVerdict(config, server, folder, log, signal));
}

export function nodeVerdict(version: string): Verdict {
  const isOld = version.localeCompare(oldestNode, 'en', { numeric: true }) < 0;
  return isOld
    ? wrong({
        message: `Node.js ${version} is too old.`,
        remedy: `Install Node.js ${oldestNode} or later.`,
      })
    : fine(`Node.js ${version}`);
}

/** Writes, reads back and deletes a probe, as it would a secret. */
async function storeVerdict(config: ProxyConfig): Promise<Verdict> {
  if (config.tokenStore === 'memory') {
    return warning(
      'tokens are kept in memory: every start of the proxy needs a sign-in',
      'Leave --token-store out to use the keychain.',
    );
  }
  try {
    const secrets = await openSecretsOf(config);
    // With a space in it, which no secret of the user's can have.
    const probe = 'doctor probe';
    await secrets.save(probe, randomUUID());
    await secrets.delete(probe);
    return fine(`a probe was written, read back and deleted: ${secrets.place}`);
  } catch (error) {
    const absent = error instanceof ProxyError && error.code === 'keychain-absent';
    if (!absent || config.tokenStore !== 'auto') throw error;
    return warning(`${error.message} Tokens are kept in memory until the proxy ends.`, error.remedy);
  }
}

async function portVerdict(
  config: ProxyConfig,
  server: URL,
  folder: StateFolder,
  log: Log,
  signal: AbortSignal,
): Promise<Verdict> {
  const { callbackPort: port } = config;
  // Any free port will do instead, so that nobody is waited for.
  const redirectUri = await withCallbackServer(
    [port, 0],
    { server, config, folder, log, signal },
    (callbackServer) => Promise.resolve(callbackServer.redirectUri),
  );
  if (Number(redirectUri.port) === port) return fine(`${redirectUri.href} is free`);
  if (await isLocked(folder, portLock(port))) {
    return warning(
      `port ${port} serves another sign-in of Keyhole at the moment`,
      'Complete that sign-in, or wait: sign-ins take turns.',
    );
  }
  const holder = await portHolder(port);
  const by = holder === undefined ? 'another program' : cleanLine(holder);
  if (config.client === undefined) return fine(`port ${port} is taken by ${by}; a free one is used instead`);
  const { remedy } = errors.callbackPortInUse(port);
  return wrong({ message: `Port ${port} is taken by ${by}.`, remedy });
}

async function isLocked(folder: StateFolder, name: string): Promise<boolean> {
  const held = new Error('held');
  return folder
    .lockedNow(
      name,
      () => Promise.resolve(false),
      () => held,
    )
    .catch((error: unknown) => {
      if (error === held) return true;
      throw error;
    });
}
