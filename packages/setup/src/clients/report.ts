import type { Connector } from './connectors.ts';
import { claudeDesktopFile } from './host-configuration.ts';
import { secretNameOf, type Registration } from './registration.ts';

/** The result of a registration for a person to read, on stdout. */
export function formatReport(
  registration: Registration,
  platform: NodeJS.Platform,
  connector?: Connector,
): string {
  const { configuration, testUser } = registration;
  return [
    ...(configuration === null
      ? forConnector(registration, connector)
      : forProxy(registration, configuration, platform)),
    '',
    ...(testUser === null
      ? []
      : ['Test user credentials:', `  Email: ${testUser.email}`, `  Password: ${testUser.password}`, '']),
  ].join('\n');
}

function forProxy(registration: Registration, configuration: object, platform: NodeJS.Platform): string[] {
  const { name, clientId, clientSecret } = registration;
  return [
    `MCP configuration for ${name}:`,
    '',
    `Client Id: ${clientId}`,
    ...secretLines(clientSecret),
    ...(clientSecret === null
      ? []
      : [`Keep it on the user's machine: npx mcp-keyhole secret set ${secretNameOf(registration)}`]),
    '',
    `Add this to your MCP client config (Claude Desktop: ${claudeDesktopFile(platform)}):`,
    '',
    JSON.stringify(configuration, undefined, 2),
  ];
}

function forConnector(
  { name, clientId, clientSecret, resource }: Registration,
  connector?: Connector,
): string[] {
  return [
    `${name}: enter this under ${connector?.place ?? 'its connector settings'}:`,
    '',
    `URL: ${resource}`,
    `Client Id: ${clientId}`,
    ...secretLines(clientSecret),
  ];
}

/** A secret is shown when it is made, and never again. */
export function secretLines(clientSecret: string | null): string[] {
  return clientSecret === null
    ? []
    : [
        `Client Secret: ${clientSecret}`,
        '  It is shown this once. `mcp-keyhole-setup rotate-secret NAME` makes another one.',
      ];
}
