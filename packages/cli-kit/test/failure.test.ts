import { describe, expect, it } from 'vitest';
import { CliError, messageOf, reportFailure, UsageError } from '../src/index.ts';

class ToolError extends CliError<'gone'> {}

function report(thrown: unknown, debug = false): { code: number; text: string } {
  let text = '';
  const code = reportFailure(thrown, { program: 'tool', debug, write: (part) => (text += part) });
  return { code, text };
}

describe('the report of a failure', () => {
  it('shows sentence, remedy and code of an error that is meant to be read', () => {
    expect(report(new ToolError('gone', 'It is gone.', 'Look elsewhere.'))).toEqual({
      code: 1,
      text: 'tool: It is gone.\n  Look elsewhere.\n  [gone]\n',
    });
  });

  it('returns 2 for a usage error', () => {
    expect(report(new UsageError('There is no flag --x.', 'Leave it out.')).code).toBe(2);
    expect(report(new ToolError('gone', 'm', 'r', { exitCode: 2 })).code).toBe(2);
  });

  it('shows causes only for debugging', () => {
    const error = new ToolError('gone', 'It is gone.', 'Look.', {
      cause: new Error('socket closed', { cause: 'ECONNRESET' }),
    });
    expect(report(error).text).not.toContain('socket closed');
    expect(report(error, true).text).toContain('  caused by: socket closed\n  caused by: ECONNRESET\n');
  });

  it('ends with causes that go in a circle', () => {
    const first = new Error('first');
    first.cause = new Error('second', { cause: first });
    expect(report(new ToolError('gone', 'm', 'r', { cause: first }), true).text.length).toBeLessThan(1_000);
  });

  it('calls anything else a fault of the program, with its stack only for debugging', () => {
    const fault = new TypeError('x is not a function');
    expect(report(fault)).toEqual({
      code: 1,
      text:
        'tool: unexpected failure: x is not a function\n' +
        '  This is a fault in the program. Run again with --debug and report what it prints.\n  [unexpected]\n',
    });
    expect(report(fault, true).text).toContain('TypeError: x is not a function\n    at ');
    expect(report('just a text').text).toContain('unexpected failure: just a text');
  });

  it('lets no control characters through', () => {
    const error = new ToolError('gone', 'said \u001b[2J\u202Eevil', 'Try\u0007.', {
      cause: new Error('\u001b]0;t\u0007c'),
    });
    // eslint-disable-next-line no-control-regex -- control characters are what this expression is for
    expect(report(error, true).text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/u);
  });

  it('indents every line of a remedy', () => {
    expect(report(new ToolError('gone', 'm', 'one\ntwo')).text).toBe('tool: m\n  one\n  two\n  [gone]\n');
  });
});

describe('an error that is meant to be read', () => {
  it('has the name of its class, and a cause only when given', () => {
    const error = new ToolError('gone', 'm', 'r');
    expect(error.name).toBe('ToolError');
    expect('cause' in error).toBe(false);
    expect(new ToolError('gone', 'm', 'r', { cause: 7 }).cause).toBe(7);
  });
});

describe('the message of whatever was thrown', () => {
  it('is a text', () => {
    expect(messageOf(new Error('e'))).toBe('e');
    expect(messageOf(undefined)).toBe('undefined');
  });
});
