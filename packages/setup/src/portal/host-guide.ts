import { hosts } from '../hosts/host-list.ts';
import { entryNameOf, otherHost, snippet } from '../hosts/host-entry.ts';
import type { Host } from '../hosts/host.ts';
import { platforms, type Machine, type Platform } from '../hosts/machine.ts';
import { proxyCommand } from '../hosts/proxy-command.ts';
import type { OwnClient } from './own-clients.ts';

/** Words from a URL; whatever is not known falls back to the first host and platform. */
export interface Choice {
  readonly host: string;
  readonly platform: string;
}

/** How one client gets into one host on one platform. */
export interface HostGuide {
  readonly host: Host;
  readonly platform: Platform;
  /** A file with nothing but the entry. */
  readonly configuration: string;
  /** Where it belongs; undefined for a host that is not in the list. */
  readonly file: string | undefined;
  /** The command line that writes it; undefined as well. */
  readonly command: string | undefined;
}

/** Any host that is not in the list. */
export const other: Host = {
  ...otherHost('other'),
  title: 'Another host',
  reload: 'Its documentation says where this belongs, and how it is read again.',
};

/** What the portal offers: the hosts that `configure` knows, and any other. */
export const offered: readonly Host[] = [...hosts, other];

export const platformTitles: Readonly<Record<Platform, string>> = {
  darwin: 'macOS',
  win32: 'Windows',
  linux: 'Linux',
};

/** What `mcp-keyhole-setup configure --print` prints for the client. */
export function guideFor(client: OwnClient, choice: Choice): HostGuide {
  const host = offered.find(({ id }) => id === choice.host) ?? other;
  const platform = platforms.find((one) => one === choice.platform) ?? platforms[0];
  const { id: clientId, callbackPort, resource, scopes } = client;
  const entry = proxyCommand({ url: resource, clientId, scopes, callbackPort }, platform);
  const flags = scopes.map((one) => `--oauth-scope ${one}`).join(' ');
  return {
    host,
    platform,
    configuration: snippet(host, entryNameOf(resource), entry),
    file: host === other ? undefined : host.userFile(somebodys(platform)),
    command:
      host === other
        ? undefined
        : `npx @mcp-keyhole/setup configure ${host.id} ${resource} --client-id ${clientId} --port ${String(callbackPort)} ${flags}`,
  };
}

/** The machine of a reader of whom nothing is known but the platform: its paths are told in the words of that. */
function somebodys(platform: Platform): Machine {
  const windows = platform === 'win32';
  return {
    platform,
    home: windows ? '%USERPROFILE%' : '~',
    env: windows ? { APPDATA: '%APPDATA%' } : {},
    list: () => [],
    read: () => undefined,
  };
}
