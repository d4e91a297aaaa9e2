import type { Check } from './check.ts';
import { clientChecks } from './checks/client.ts';
import { instanceChecks } from './checks/instance.ts';
import { serverChecks } from './checks/server.ts';
import { tenantChecks } from './checks/tenant.ts';

/** What is looked for at FusionAuth and the MCP server, in the order in which findings are shown. */
export const checks: readonly Check[] = [...instanceChecks, ...tenantChecks, ...serverChecks];

/** What is looked for at each client. */
export { clientChecks };
