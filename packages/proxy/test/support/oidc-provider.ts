import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

/**
 * Starts `oidc-provider` in a process of its own.
 *
 * @param mode `nonces`: it wants a nonce in each DPoP proof, at all of its endpoints
 */
export async function startOidcProvider(
  mode?: 'nonces',
): Promise<{ issuer: string; stop: () => Promise<void> }> {
  const program = path.join(import.meta.dirname, 'oidc-provider-process.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', program, ...(mode === undefined ? [] : [mode])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const exit = once(child, 'exit').then(([code]) => {
    throw new Error(`oidc-provider ended with exit code ${String(code)}:\n${said}`);
  });
  const ready = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      // Its own notices come on stdout too.
      if (/^http:\/\/127\.0\.0\.1:\d+$/u.test(line)) resolve(line);
    });
  });
  const issuer = await Promise.race([ready, exit]);
  return {
    issuer,
    stop: async () => {
      child.kill();
      await exit.catch(() => undefined);
    },
  };
}
