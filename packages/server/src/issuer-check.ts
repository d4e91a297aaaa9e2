import { setTimeout as delay } from 'node:timers/promises';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import type { ServerConfig } from './config.ts';
import { issuerRemedy } from './errors.ts';
import type { FusionAuth } from './fusionauth.ts';
import type { Log } from './log.ts';

/** Milliseconds between two looks, and how many there are: two minutes, for a FusionAuth that is still starting. */
const pause = 5_000;
const looks = 24;

/**
 * Compares FusionAuth's issuer with the configured one and says in the log when they differ: every token would then be
 * refused. FusionAuth may come up later than this server, and its kickstart may set the issuer later still, so it looks
 * again until they agree; it never fails. Only the default tenant's issuer can be seen here, so a difference is a warning.
 */
export async function checkIssuer(
  config: ServerConfig,
  fusionAuth: FusionAuth,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  let said = '';
  const say = (fields: Record<string, string>, message: string): void => {
    if (said !== message) log.warn(fields, message);
    said = message;
  };
  for (let look = 0; look < looks && !signal.aborted; look += 1) {
    const answer = await fusionAuth.openIdConfiguration();
    const issuer = answer.ok ? answer.value['issuer'] : undefined;
    if (issuer === config.issuer) {
      log.info({ issuer }, "FusionAuth's issuer is the configured one");
      return;
    }
    if (answer.ok) {
      const found = typeof issuer === 'string' ? cleanLine(issuer) : 'none';
      say(
        { found, expected: config.issuer, remedy: issuerRemedy },
        `FusionAuth's issuer is ${JSON.stringify(found)}, not ${JSON.stringify(config.issuer)}: ` +
          'its tokens will be refused',
      );
    } else {
      say(
        { fusionAuthUrl: config.fusionAuthUrl, detail: answer.detail },
        'FusionAuth cannot be reached yet; until it can, requests get 503',
      );
    }
    await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
