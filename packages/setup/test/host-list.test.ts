import { describe, expect, it } from 'vitest';
import { snippet } from '../src/hosts/host-entry.ts';
import { hosts } from '../src/hosts/host-list.ts';
import type { Machine, Platform } from '../src/hosts/machine.ts';

function machine(platform: Platform, given: Partial<Machine> = {}): Machine {
  const home = { darwin: '/Users/ada', win32: String.raw`C:\Users\ada`, linux: '/home/ada' }[platform];
  return { platform, home, env: {}, list: () => [], read: () => undefined, ...given };
}

const files = (platform: Platform, given?: Partial<Machine>): Record<string, string> =>
  Object.fromEntries(hosts.map((host) => [host.id, host.userFile(machine(platform, given))]));

describe("a host's file", () => {
  it('is the documented one on macOS', () => {
    expect(files('darwin')).toEqual({
      'claude-code': '/Users/ada/.claude.json',
      'claude-desktop': '/Users/ada/Library/Application Support/Claude/claude_desktop_config.json',
      codex: '/Users/ada/.codex/config.toml',
      cursor: '/Users/ada/.cursor/mcp.json',
      'gemini-cli': '/Users/ada/.gemini/settings.json',
      'lm-studio': '/Users/ada/.lmstudio/mcp.json',
      vscode: '/Users/ada/Library/Application Support/Code/User/mcp.json',
      windsurf: '/Users/ada/.codeium/windsurf/mcp_config.json',
      zed: '/Users/ada/.config/zed/settings.json',
    });
  });

  it('is the documented one on Windows', () => {
    const env = { APPDATA: String.raw`C:\Users\ada\AppData\Roaming` };
    expect(files('win32', { env })).toEqual({
      'claude-code': String.raw`C:\Users\ada\.claude.json`,
      'claude-desktop': String.raw`C:\Users\ada\AppData\Roaming\Claude\claude_desktop_config.json`,
      codex: String.raw`C:\Users\ada\.codex\config.toml`,
      cursor: String.raw`C:\Users\ada\.cursor\mcp.json`,
      'gemini-cli': String.raw`C:\Users\ada\.gemini\settings.json`,
      'lm-studio': String.raw`C:\Users\ada\.lmstudio\mcp.json`,
      vscode: String.raw`C:\Users\ada\AppData\Roaming\Code\User\mcp.json`,
      windsurf: String.raw`C:\Users\ada\.codeium\windsurf\mcp_config.json`,
      zed: String.raw`C:\Users\ada\AppData\Roaming\Zed\settings.json`,
    });
    expect(files('win32')).toEqual(files('win32', { env }));
  });

  it('is the documented one on Linux', () => {
    expect(files('linux')).toEqual({
      'claude-code': '/home/ada/.claude.json',
      'claude-desktop': '/home/ada/.config/Claude/claude_desktop_config.json',
      codex: '/home/ada/.codex/config.toml',
      cursor: '/home/ada/.cursor/mcp.json',
      'gemini-cli': '/home/ada/.gemini/settings.json',
      'lm-studio': '/home/ada/.lmstudio/mcp.json',
      vscode: '/home/ada/.config/Code/User/mcp.json',
      windsurf: '/home/ada/.codeium/windsurf/mcp_config.json',
      zed: '/home/ada/.config/zed/settings.json',
    });
  });

  it('is in the package of Claude Desktop on Windows, where that is installed as one', () => {
    const list = (folder: string): readonly string[] =>
      folder === String.raw`C:\Users\ada\AppData\Local\Packages` ? ['Other_1', 'Claude_pzs8sxrjxfjjc'] : [];
    expect(files('win32', { list })['claude-desktop']).toBe(
      String.raw`C:\Users\ada\AppData\Local\Packages\Claude_pzs8sxrjxfjjc\LocalCache\Roaming\Claude\claude_desktop_config.json`,
    );
  });

  it("follows the hosts' own variables and pointers", () => {
    const env = {
      CLAUDE_CONFIG_DIR: '/c',
      CODEX_HOME: '/x',
      GEMINI_CLI_HOME: '/g',
      XDG_CONFIG_HOME: '/cfg',
    };
    const read = (file: string): string | undefined =>
      file === '/home/ada/.lmstudio-home-pointer' ? '/lm\n' : undefined;
    expect(files('linux', { env, read })).toMatchObject({
      'claude-code': '/c/.claude.json',
      'claude-desktop': '/cfg/Claude/claude_desktop_config.json',
      codex: '/x/config.toml',
      'gemini-cli': '/g/.gemini/settings.json',
      'lm-studio': '/lm/mcp.json',
      vscode: '/cfg/Code/User/mcp.json',
      zed: '/cfg/zed/settings.json',
    });
  });
});

describe("a host's entry", () => {
  const command = { command: 'npx', args: ['-y', 'mcp-keyhole'] };
  const textOf = (id: string): string => {
    const host = hosts.find((one) => one.id === id);
    return host === undefined ? '' : snippet(host, 'notes', command);
  };

  it.each([
    ['claude-code', { mcpServers: { notes: { type: 'stdio', ...command } } }],
    ['claude-desktop', { mcpServers: { notes: command } }],
    ['cursor', { mcpServers: { notes: { type: 'stdio', ...command } } }],
    ['gemini-cli', { mcpServers: { notes: command } }],
    ['lm-studio', { mcpServers: { notes: command } }],
    ['vscode', { servers: { notes: { type: 'stdio', ...command } } }],
    ['windsurf', { mcpServers: { notes: command } }],
    ['zed', { context_servers: { notes: command } }],
  ])('has the shape of %s', (id, expected) => {
    expect(JSON.parse(textOf(id))).toEqual(expected);
  });

  it('is a table of its own for Codex', () => {
    expect(textOf('codex')).toBe(
      '[mcp_servers.notes]\ncommand = "npx"\nargs = ["-y", "mcp-keyhole"]\nstartup_timeout_sec = 60\n',
    );
  });
});
