// The command that the conformance suite starts as `host <kind> <proxy> <server URL>`: an MCP host that reaches the suite's
// server through the proxy. Its last line says how it went: {"outcome":"answered"}, or {"outcome":"refused","code":…}.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { converse } from './conversations.ts';
import { mcpHost, type HostKind } from './mcp-host.ts';
import { proxyArguments, type ScenarioContext } from './proxy-flags.ts';

const [kind = '', proxyFile = '', serverUrl = ''] = process.argv.slice(2);
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as ScenarioContext;

// The suite's own time limit ends only the shell around us.
setTimeout(() => {
  report({ outcome: 'silent' });
  process.exit(1);
}, 50_000).unref();

const folder = mkdtempSync(join(tmpdir(), 'keyhole-conformance-'));
const host = mcpHost(kind as HostKind, {
  command: process.execPath,
  args: [proxyFile, ...(await proxyArguments(serverUrl, scenario, context, folder))],
  env: {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    MCP_KEYHOLE_DIR: join(folder, 'state'),
    BROWSER: process.env['BROWSER'] ?? '',
  },
});
try {
  await converse(scenario, host, context);
  report({ outcome: 'answered' });
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  report({ outcome: 'refused', code: host.errorCode() });
  process.exitCode = 1;
} finally {
  await host.close();
  rmSync(folder, { recursive: true, force: true });
}

function report(outcome: object): void {
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
