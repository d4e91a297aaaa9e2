import { homedir } from 'node:os';
import path from 'node:path';

/** Where Keyhole keeps what is not secret: `MCP_KEYHOLE_DIR`, else the platform's usual place for an application's state. */
export function stateFolderOf(env: Readonly<Record<string, string | undefined>>): string {
  const given = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const folder = given('MCP_KEYHOLE_DIR');
  if (folder !== undefined) return path.resolve(folder);
  const home = given('HOME') ?? homedir();
  const usual: Partial<Record<NodeJS.Platform, string>> = {
    darwin: path.join(home, 'Library', 'Application Support'),
    win32: given('LOCALAPPDATA') ?? path.join(homedir(), 'AppData', 'Local'),
  };
  return path.join(
    usual[process.platform] ?? given('XDG_STATE_HOME') ?? path.join(home, '.local', 'state'),
    'mcp-keyhole',
  );
}
