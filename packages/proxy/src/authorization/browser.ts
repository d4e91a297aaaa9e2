import type { ChildProcess } from 'node:child_process';
import type { Log } from '@mcp-keyhole/cli-kit';

/** Opens a page for the user. Resolves when that was tried; the user also has the URL on stderr. */
export type OpenBrowser = (url: URL) => Promise<void>;

/**
 * Opens pages in `$BROWSER` when it is set (a program that takes the URL as its last argument), else in the system's
 * default browser. No shell is involved. That nothing opened shows only in the exit code, and is logged.
 */
export function createOpenBrowser(env: Readonly<Record<string, string | undefined>>, log: Log): OpenBrowser {
  return async (url) => {
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new TypeError('only web pages are opened');
    const { default: open } = await import('open');
    const browser = env['BROWSER'];
    try {
      watch(
        await open(url.href, browser === undefined || browser === '' ? {} : { app: { name: browser } }),
        log,
      );
    } catch (error) {
      log.warn('No browser could be opened: open the address above yourself.', {
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  };
}

function watch(child: ChildProcess, log: Log): void {
  const warn = (reason: string): void => {
    log.warn('The browser may not have opened: open the address above yourself.', { reason });
  };
  child.once('error', (error) => {
    warn(error.message);
  });
  child.once('exit', (code) => {
    if (code !== null && code !== 0) warn(`exit code ${code}`);
  });
}
