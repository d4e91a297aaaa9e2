import type * as Engine from 'oidc-provider';

const unsupportedRuntime = 'oidc-provider WARNING: Unsupported runtime';

/**
 * Loads the OAuth engine. On Node 20 it writes a warning about the runtime as it loads, meant for those who run it in
 * production; our tests run it on Node 20, and here it would only be noise in front of the ready line.
 */
export async function loadEngine(): Promise<typeof Engine> {
  const engineConsole = globalThis.console;
  const warn = engineConsole.warn.bind(engineConsole);
  engineConsole.warn = (...words: unknown[]) => {
    if (typeof words[0] !== 'string' || !words[0].includes(unsupportedRuntime)) warn(...words);
  };
  try {
    return await import('oidc-provider');
  } finally {
    engineConsole.warn = warn;
  }
}
