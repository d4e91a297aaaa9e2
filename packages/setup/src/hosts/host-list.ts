import type { Host } from './host.ts';
import { join, settingsFolder, variable, type Machine } from './machine.ts';

/** JSON as `JSON.parse` takes it: these hosts do not start with anything else in the file. */
const strict = { comments: false, trailingCommas: false } as const;
/** JSON with comments and commas at the end. */
const lenient = { comments: true, trailingCommas: true } as const;

/**
 * The folder of Claude Desktop. Since February 2026 its Windows installer is an MSIX package, which reads a folder of its
 * own and never sees `%APPDATA%\Claude` (anthropics/claude-code issues 25579 and 26073).
 */
function claudeFolder(machine: Machine): string {
  const usual = join(machine, settingsFolder(machine), 'Claude');
  if (machine.platform !== 'win32') return usual;
  const local = variable(machine, 'LOCALAPPDATA') ?? join(machine, machine.home, 'AppData', 'Local');
  const packages = join(machine, local, 'Packages');
  const name = machine.list(packages).find((entry) => entry.startsWith('Claude_'));
  return name === undefined ? usual : join(machine, packages, name, 'LocalCache', 'Roaming', 'Claude');
}

function zedFolder(machine: Machine): string {
  const { platform, home } = machine;
  if (platform === 'win32') return join(machine, settingsFolder(machine), 'Zed');
  if (platform === 'darwin') return join(machine, home, '.config', 'zed');
  return join(machine, variable(machine, 'FLATPAK_XDG_CONFIG_HOME') ?? settingsFolder(machine), 'zed');
}

/** LM Studio writes the name of its folder into a file when the user has moved it. */
function lmStudioFolder(machine: Machine): string {
  const moved = machine.read(join(machine, machine.home, '.lmstudio-home-pointer'))?.trim();
  return moved === undefined || moved === '' ? join(machine, machine.home, '.lmstudio') : moved;
}

function codexFolder(machine: Machine): string {
  return variable(machine, 'CODEX_HOME') ?? join(machine, machine.home, '.codex');
}

function inHome(...parts: readonly string[]): (machine: Machine) => string {
  return (machine) => join(machine, machine.home, ...parts);
}

/** The hosts whose configuration can be written, in alphabetical order of their names. */
export const hosts: readonly Host[] = [
  {
    id: 'claude-code',
    title: 'Claude Code',
    sources: ['https://code.claude.com/docs/en/mcp', 'https://code.claude.com/docs/en/settings'],
    language: strict,
    container: 'mcpServers',
    userFile: (machine) =>
      join(machine, variable(machine, 'CLAUDE_CONFIG_DIR') ?? machine.home, '.claude.json'),
    projectFile: '.mcp.json',
    traces: (machine) => {
      const folder = variable(machine, 'CLAUDE_CONFIG_DIR') ?? machine.home;
      return [join(machine, folder, '.claude.json'), join(machine, machine.home, '.claude')];
    },
    always: { type: 'stdio' },
    reload: 'Start a new session of Claude Code; `/mcp` shows the server.',
  },
  {
    id: 'claude-desktop',
    title: 'Claude Desktop',
    sources: ['https://modelcontextprotocol.io/docs/develop/connect-local-servers'],
    language: strict,
    container: 'mcpServers',
    userFile: (machine) => join(machine, claudeFolder(machine), 'claude_desktop_config.json'),
    projectFile: undefined,
    traces: (machine) => [claudeFolder(machine)],
    reload: 'Quit Claude Desktop completely (closing its window is not enough) and start it again.',
  },
  {
    id: 'codex',
    title: 'Codex',
    sources: [
      'https://developers.openai.com/codex/mcp',
      'https://github.com/openai/codex/blob/main/docs/config.md',
    ],
    language: 'toml',
    container: 'mcp_servers',
    userFile: (machine) => join(machine, codexFolder(machine), 'config.toml'),
    projectFile: '.codex/config.toml',
    traces: (machine) => [codexFolder(machine)],
    // Codex gives a server ten seconds by default; npx may have to download the proxy first.
    atFirst: { startup_timeout_sec: 60 },
    reload: 'Start a new session of Codex; `/mcp` shows the server.',
  },
  {
    id: 'cursor',
    title: 'Cursor',
    sources: ['https://cursor.com/docs/context/mcp'],
    language: lenient,
    container: 'mcpServers',
    userFile: inHome('.cursor', 'mcp.json'),
    projectFile: '.cursor/mcp.json',
    traces: (machine) => [join(machine, machine.home, '.cursor')],
    always: { type: 'stdio' },
    reload: 'Restart Cursor, and look under Customize → MCPs.',
  },
  {
    id: 'gemini-cli',
    title: 'Gemini CLI',
    sources: ['https://geminicli.com/docs/tools/mcp-server/', 'https://geminicli.com/docs/cli/configuration'],
    language: { comments: true, trailingCommas: false },
    container: 'mcpServers',
    userFile: (machine) =>
      join(machine, variable(machine, 'GEMINI_CLI_HOME') ?? machine.home, '.gemini', 'settings.json'),
    projectFile: '.gemini/settings.json',
    traces: (machine) => [join(machine, variable(machine, 'GEMINI_CLI_HOME') ?? machine.home, '.gemini')],
    reload: 'Start Gemini CLI again; `/mcp` shows the server.',
  },
  {
    id: 'lm-studio',
    title: 'LM Studio',
    // The documentation has the usual place; its own command line client reads the pointer.
    sources: ['https://lmstudio.ai/docs/app/mcp', 'https://github.com/lmstudio-ai/docs'],
    language: lenient,
    container: 'mcpServers',
    userFile: (machine) => join(machine, lmStudioFolder(machine), 'mcp.json'),
    projectFile: undefined,
    traces: (machine) => [lmStudioFolder(machine)],
    reload: 'LM Studio reads the file by itself; the server is under Program → Integrations.',
  },
  {
    id: 'vscode',
    title: 'VS Code',
    sources: ['https://code.visualstudio.com/docs/copilot/reference/mcp-configuration'],
    language: lenient,
    container: 'servers',
    userFile: (machine) => join(machine, settingsFolder(machine), 'Code', 'User', 'mcp.json'),
    projectFile: '.vscode/mcp.json',
    traces: (machine) => [join(machine, settingsFolder(machine), 'Code')],
    always: { type: 'stdio' },
    reload: 'VS Code reads the file by itself; `MCP: List Servers` starts the server.',
  },
  {
    id: 'windsurf',
    title: 'Windsurf',
    sources: ['https://docs.windsurf.com/windsurf/cascade/mcp'],
    language: lenient,
    container: 'mcpServers',
    userFile: inHome('.codeium', 'windsurf', 'mcp_config.json'),
    projectFile: undefined,
    traces: (machine) => [join(machine, machine.home, '.codeium', 'windsurf')],
    reload: 'Press the refresh button of the MCP servers in Cascade, or restart Windsurf.',
  },
  {
    id: 'zed',
    title: 'Zed',
    sources: [
      'https://zed.dev/docs/ai/mcp',
      'https://github.com/zed-industries/zed/blob/main/crates/paths/src/paths.rs',
    ],
    language: lenient,
    container: 'context_servers',
    userFile: (machine) => join(machine, zedFolder(machine), 'settings.json'),
    projectFile: '.zed/settings.json',
    traces: (machine) => [zedFolder(machine)],
    reload: 'Zed reads the file by itself; the server is under Settings → AI → MCP Servers.',
  },
];

/** The host of that name, as it is written on the command line. */
export function hostNamed(id: string): Host | undefined {
  return hosts.find((host) => host.id === id);
}
