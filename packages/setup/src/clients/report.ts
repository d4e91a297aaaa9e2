import type { Registration } from './registration.ts';
import { claudeDesktopFile } from './host-configuration.ts';

/** The result of a registration for a person to read, on stdout. */
export function formatReport(registration: Registration, platform: NodeJS.Platform): string {
  const { name, clientId, configuration, testUser } = registration;
  return [
    `MCP configuration for ${name}:`,
    '',
    `Client Id: ${clientId}`,
    '',
    `Add this to your MCP client config (Claude Desktop: ${claudeDesktopFile(platform)}):`,
    '',
    JSON.stringify(configuration, undefined, 2),
    '',
    ...(testUser === null
      ? []
      : ['Test user credentials:', `  Email: ${testUser.email}`, `  Password: ${testUser.password}`, '']),
  ].join('\n');
}
