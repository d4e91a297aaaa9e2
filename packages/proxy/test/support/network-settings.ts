import { loadConfig } from '../../src/config.ts';

const invocation = loadConfig(['http://127.0.0.1/mcp'], {});
if (invocation.show !== 'nothing') throw new Error('there is a configuration');

/** How the network is reached when the user says nothing. */
export const networkSettings = invocation.config;
