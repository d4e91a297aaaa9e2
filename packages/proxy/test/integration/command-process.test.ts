import { once } from 'node:events';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { machine } from '../support/command-run.ts';
import { toolServer } from '../support/tool-server.ts';

const program = path.join(import.meta.dirname, '..', '..', 'bin', 'mcp-keyhole.js');

/** A process as a terminal starts it. */
async function processOf(argv: readonly string[], env: Record<string, string>, input = '') {
  const child = spawn(process.execPath, [program, ...argv], {
    env: { PATH: process.env['PATH'], ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.end(input);
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [exitCode] = (await closed) as [number];
  return { exitCode, stdout, stderr };
}

describe('a process', () => {
  it('prints results on stdout and nothing on stderr, and tells by its exit code how it went', async () => {
    const { env } = await machine();
    const { resource } = await toolServer({
      answer: ({ args }) => ({
        result: { content: [{ type: 'text', text: 'hi' }], isError: args['a'] === 0 },
      }),
    });
    expect(await processOf(['tools', resource.href], env)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('add  Add numbers') as string,
      stderr: '',
    });
    const call = (a: number) => processOf(['call', resource.href, 'add', '-'], env, JSON.stringify({ a }));
    expect(await call(1)).toEqual({ exitCode: 0, stdout: 'hi\n', stderr: '' });
    expect(await call(0)).toEqual({ exitCode: 1, stdout: 'hi\n', stderr: '' });
    const unknown = await processOf(['call', resource.href, 'ad'], env);
    expect(unknown).toMatchObject({ exitCode: 1, stdout: '' });
    expect(unknown.stderr).toContain('Did you mean add?');
    expect(unknown.stderr).toContain('[tool-unknown]');
  });

  it('keeps a secret, uses it, diagnoses and imports', async () => {
    const { env } = await machine();
    const { resource, requests } = await toolServer();
    const header = ['--header', 'X-Key: ${keychain:api-key}'];
    const missing = await processOf(['tools', resource.href, ...header], env);
    expect(missing).toMatchObject({ exitCode: 1, stdout: '' });
    expect(missing.stderr).toContain('[secret-missing]');
    expect((await processOf(['secret', 'set', 'api-key'], env, 'hunter2\n')).exitCode).toBe(0);
    const doctor = await processOf(['doctor', resource.href, '--json', ...header], env);
    expect(doctor.stdout).not.toContain('hunter2');
    expect(requests[0]?.headers['x-key']).toBe('hunter2');
    expect(await processOf(['import'], env)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('mcp-remote keeps no sign-ins') as string,
    });
    expect((await processOf(['secret', 'sett'], env)).exitCode).toBe(2);
  });
});
