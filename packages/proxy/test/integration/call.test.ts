import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { AuthorizationServer, clientId } from '../support/authorization-server.ts';
import { machine, type RunOptions } from '../support/command-run.ts';
import { everythingIn, refusalOf } from '../support/failure.ts';
import { helloServer } from '../support/hello-server.ts';
import { freePort } from '../support/loopback-server.ts';
import { methodsOf, toolServer, type ToolServerSettings } from '../support/tool-server.ts';

type Content = Record<string, unknown>;

/** Calls `add` at a server that answers with this. */
async function callOf(result: Content, flags: string[] = [], options: RunOptions = {}) {
  const { resource } = await toolServer({ answer: () => ({ result }) });
  const { run } = await machine();
  return run(['call', resource.href, 'add', ...flags], options);
}

const text = (words: string): Content => ({ type: 'text', text: words });

describe('the arguments of call', () => {
  /** The sum, from a server that adds what it is given. */
  async function sumOf(words: readonly string[], input = ''): Promise<string> {
    const answer: ToolServerSettings['answer'] = ({ args }) => ({
      result: { content: [text(JSON.stringify(args))] },
    });
    const { resource } = await toolServer({ answer });
    const { run } = await machine();
    return (await run(['call', resource.href, 'add', ...words], { input })).stdout;
  }

  it('are JSON, from the command line, from stdin or from a file; without any an empty object', async () => {
    const { home } = await machine();
    await writeFile(`${home}/arguments.json`, '{"a":3}\n');
    expect(await sumOf(['{"a":1}'])).toBe('{"a":1}\n');
    expect(await sumOf(['-'], '{"a":2}')).toBe('{"a":2}\n');
    expect(await sumOf([`@${home}/arguments.json`])).toBe('{"a":3}\n');
    expect(await sumOf([])).toBe('{}\n');
  });

  it.each([
    ['what is no JSON', ['{a: secret}'], 'not valid JSON'],
    ['what is no object', ['["secret"]'], 'not a JSON object'],
    ['null', ['null'], 'not a JSON object'],
    ['a file that is not there', ['@/nowhere/secret.json'], 'no such file'],
  ])('refuse %s before anything is sent, with exit code 2', async (_what, words, reason) => {
    const server = await toolServer();
    const { run } = await machine();
    const error = await refusalOf(() => run(['call', server.resource.href, 'add', ...words]));
    expect(error.message).toContain(reason);
    expect(error.exitCode).toBe(2);
    expect(server.requests).toEqual([]);
    if (!words.join().startsWith('@')) expect(everythingIn(error)).not.toContain('secret');
  });

  it('need a tool before them', async () => {
    const { run } = await machine();
    const error = await refusalOf(() => run(['call', 'http://localhost:1/mcp']));
    expect(error.message).toContain('name of the tool is missing');
    expect(error.exitCode).toBe(2);
  });
});

describe('call', () => {
  it('prints text as text, and exits 0', async () => {
    expect(await callOf({ content: [text('one'), text('two\n')] })).toMatchObject({
      exitCode: 0,
      stdout: 'one\ntwo\n',
    });
  });

  it('cleans text on a terminal, and passes it on as it is elsewhere', async () => {
    const hostile = { content: [text('a\u001b[31mb\u202ec')] };
    expect((await callOf(hostile, [], { isTTY: true })).stdout).toBe('abc\n');
    expect((await callOf(hostile)).stdout).toBe('a\u001b[31mb\u202ec\n');
  });

  it('describes in a line what is not text', async () => {
    const data = Buffer.from('pixels').toString('base64');
    const { stdout } = await callOf({
      content: [
        { type: 'image', data, mimeType: 'image/png\u001b[2J' },
        { type: 'audio', data, mimeType: 'audio/wav' },
        { type: 'resource_link', uri: 'https://example.com/a', name: 'A' },
        { type: 'resource', resource: { uri: 'file:///b', mimeType: 'text/plain', text: 'four' } },
        { type: 'resource', resource: { uri: 'file:///c', blob: data } },
      ],
    });
    expect(stdout.split('\n')).toEqual([
      '[image, image/png, 6 bytes]',
      '[audio, audio/wav, 6 bytes]',
      '[link to https://example.com/a, A]',
      '[resource file:///b, text/plain, 4 characters]',
      '[resource file:///c, of unknown type, 6 bytes]',
      '',
    ]);
  });

  it('prints structured content only where there is no text', async () => {
    const structuredContent = { sum: 3 };
    expect((await callOf({ content: [], structuredContent })).stdout).toBe('{\n  "sum": 3\n}\n');
    expect((await callOf({ content: [text('3')], structuredContent })).stdout).toBe('3\n');
  });

  it('prints the result as it came with --json', async () => {
    const result = { content: [text('3')], structuredContent: { sum: 3 }, isError: false };
    const { stdout } = await callOf(result, ['--json']);
    expect(JSON.parse(stdout)).toEqual(result);
  });

  it('exits 1 when the tool reports an error, with its words on stdout', async () => {
    expect(await callOf({ content: [text('too large')], isError: true })).toMatchObject({
      exitCode: 1,
      stdout: 'too large\n',
    });
  });

  it('tells progress on stderr only', async () => {
    const { resource } = await toolServer({
      answer: () => ({ result: { content: [text('done')] } }),
      progress: [
        { progress: 1, total: 2 },
        { progress: 2, message: 'nearly\u001b[2J' },
      ],
    });
    const { run } = await machine();
    const { stdout, log } = await run(['call', resource.href, 'add']);
    expect(stdout).toBe('done\n');
    expect(log.text()).toContain('mcp-keyhole: progress: 1 of 2\n');
    expect(log.text()).toContain('mcp-keyhole: progress: 2 (nearly)\n');
  });

  it('names the tool that a mistyped one is near to, and calls none', async () => {
    const server = await toolServer();
    const { run } = await machine();
    const near = await refusalOf(() => run(['call', server.resource.href, 'ad']));
    expect(near).toMatchObject({ code: 'tool-unknown', exitCode: 1 });
    expect(near.remedy).toContain('Did you mean add?');
    const far = await refusalOf(() => run(['call', server.resource.href, 'subtract']));
    expect(far.remedy).not.toContain('Did you mean');
    expect(methodsOf(server)).not.toContain('tools/call');
  });

  it('refuses what the user hides, before anything is sent', async () => {
    const server = await toolServer();
    const { run } = await machine();
    const hidden = () => run(['call', server.resource.href, 'add', '--ignore-tool', 'a*']);
    expect((await refusalOf(hidden)).code).toBe('tool-hidden');
    expect(server.requests).toEqual([]);
  });

  it('passes on that the server refuses the call, with its code', async () => {
    const { resource } = await toolServer({
      answer: () => ({ error: { code: -32_602, message: 'a is missing\u001b[2J' } }),
    });
    const { run } = await machine();
    const error = await refusalOf(() => run(['call', resource.href, 'add']));
    expect(error.code).toBe('request-refused');
    expect(error.message).toContain('a is missing (-32602)');
  });

  it('works at a server of the modern era', async () => {
    const { run } = await machine();
    expect((await run(['call', (await helloServer()).href, 'get_name'])).stdout).toBe('Hello, World!\n');
  });

  it('signs in where that is wanted', async () => {
    const provider = await AuthorizationServer.start();
    const { resource } = await toolServer({
      provider,
      answer: () => ({ result: { content: [text('hi')] } }),
    });
    const { run } = await machine();
    const client = ['--static-oauth-client-info', JSON.stringify({ client_id: clientId })];
    const { stdout, signIns, log } = await run([
      'call',
      resource.href,
      String(await freePort()),
      'add',
      '{}',
      ...client,
    ]);
    expect({ stdout, signIns }).toEqual({ stdout: 'hi\n', signIns: 1 });
    const words = `${stdout}${log.text().replace(/ here: .*/gu, '')}`;
    for (const secret of provider.secrets) expect(words).not.toContain(secret);
  });
});
