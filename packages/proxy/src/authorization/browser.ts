import type { ChildProcess } from 'node:child_process';
import type { Log } from '@mcp-keyhole/cli-kit';
import { adoptDisplay } from '../desktop-session.ts';

/** Opens a page for the user. Resolves when that was tried; the user also has the URL on stderr. */
export type OpenBrowser = (url: URL) => Promise<void>;

/**
 * Opens pages in `$BROWSER` when it is set (a program that takes the URL as its last argument), else in the system's
 * default browser, whose display `env` may gain (it is the process's own environment, which the browser inherits). No shell is involved. That nothing opened shows only in the exit code, and is logged.
 */
export function createOpenBrowser(
  env: Record<string, string | undefined>,
  log: Log,
  wanted = true,
): OpenBrowser {
  return async (url) => {
    if (wanted) await adoptDisplay(env);
    const reason = whyNoBrowser(env, wanted);
    if (reason !== undefined) {
      log.info(`open that address in a browser yourself (${reason})`);
      return;
    }
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

/** Why no browser can open here, so that nobody waits for one; undefined when one can. */
export function whyNoBrowser(
  env: Readonly<Record<string, string | undefined>>,
  wanted: boolean,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const isSet = (name: string): boolean => env[name] !== undefined && env[name] !== '';
  if (!wanted) return '--no-browser';
  if (isSet('BROWSER')) return undefined;
  if (isSet('SSH_CONNECTION') || isSet('SSH_TTY')) return 'this is an SSH session';
  // In WSL the library opens the browser of Windows, which needs no display here.
  const display = isSet('DISPLAY') || isSet('WAYLAND_DISPLAY') || isSet('WSL_DISTRO_NAME');
  return platform === 'linux' && !display ? 'this session has no display' : undefined;
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
