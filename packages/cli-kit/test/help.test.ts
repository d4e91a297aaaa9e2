import { expect, it } from 'vitest';
import { formatHelp, listOption, switchOption, text, valueOption } from '../src/index.ts';

it('shows summary, usage, commands, options with their facts, and notes', () => {
  const page = formatHelp({
    summary: 'Does things.',
    usage: ['tool <url> [flags]', 'tool login <url>'],
    commands: { login: 'Sign in', logout: 'Forget the sign-in' },
    options: {
      key: valueOption({
        flag: 'api-key',
        env: 'TOOL_KEY',
        placeholder: 'KEY',
        secret: true,
        help: 'The key',
        parse: text,
        fallback: '',
      }),
      header: listOption({ flag: 'header', placeholder: 'H', help: 'A header', parse: text }),
      client: valueOption({
        flag: 'a-flag-that-is-rather-long-indeed',
        placeholder: 'JSON',
        help: 'What it explains takes more than one line, as it is long enough to be wrapped at the edge',
        parse: text,
        fallback: '',
      }),
      debug: switchOption({ flag: 'debug', help: 'Tell more' }),
    },
    notes: ['One more thing.'],
  });
  expect(page).toMatchInlineSnapshot(`
    "Does things.

    Usage:
      tool <url> [flags]
      tool login <url>

    Commands:
      login   Sign in
      logout  Forget the sign-in

    Options:
      --api-key KEY                       The key (also @file or \${ENV}; environment: TOOL_KEY)
      --header H                          A header (repeatable)
      --a-flag-that-is-rather-long-indeed JSON
                                          What it explains takes more than one line, as it is long
                                          enough to be wrapped at the edge
      --debug                             Tell more
      --help, -h                          Show this page
      --version, -v                       Show the version

    One more thing.
    "
  `);
  expect(page.split('\n').every((line) => line.length <= 100)).toBe(true);
});
