import { describe, expect, it } from 'vitest';
import { createLog, type LogLevel } from '../src/index.ts';

function logged(level: LogLevel): { log: ReturnType<typeof createLog>; lines: string[] } {
  const lines: string[] = [];
  return { log: createLog({ program: 'tool', level, write: (line) => lines.push(line) }), lines };
}

function write(level: LogLevel): string[] {
  const { log, lines } = logged(level);
  log.info('one');
  log.warn('two');
  log.debug('three');
  return lines;
}

describe('the log', () => {
  it('writes as much as its level says', () => {
    expect(write('silent')).toEqual([]);
    expect(write('info')).toEqual(['tool: one\n', 'tool: warning: two\n']);
    expect(write('debug')).toEqual(['tool: one\n', 'tool: warning: two\n', 'tool: debug: three\n']);
  });

  it('writes a notice at every level', () => {
    const { log, lines } = logged('silent');
    log.notice('sign in here');
    expect(lines).toEqual(['tool: sign in here\n']);
  });

  it('writes fields as key=value, quoted where they need it, without the undefined ones', () => {
    const { log, lines } = logged('info');
    log.info('request', {
      status: 401,
      url: 'http://a/b',
      why: 'no token',
      eq: 'a=b',
      empty: '',
      gone: undefined,
      ok: true,
    });
    expect(lines).toEqual([
      'tool: request status=401 url=http://a/b why="no token" eq="a=b" empty="" ok=true\n',
    ]);
  });

  it('stays on one line and free of control characters, whatever it is given', () => {
    const { log, lines } = logged('info');
    log.info('a\nfake: line\u001b[2J', { field: 'x\ny\u001b[31m' });
    expect(lines).toEqual(['tool: a fake: line field="x y"\n']);
  });

  it('keeps a long sign-in address whole', () => {
    const { log, lines } = logged('info');
    const url = `https://a.example/authorize?scope=${'x'.repeat(4_000)}`;
    log.info(`sign in here: ${url}`);
    expect(lines[0]).toBe(`tool: sign in here: ${url}\n`);
  });
});
