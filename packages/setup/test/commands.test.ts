import { describe, expect, it } from 'vitest';
import { chooseCommand, commands } from '../src/commands/index.ts';
import { overview } from '../src/commands/overview.ts';

describe('the commands', () => {
  it('are loaded under the name that they have', async () => {
    for (const [name, { load }] of commands) {
      const command = await load();
      expect(command.name).toBe(name);
      expect(command.help).toContain(`mcp-keyhole-setup ${name === 'register' ? '[register]' : name}`);
      expect(command.load(['--help'], {})).toEqual({ show: 'help' });
    }
  });

  it('stand in the overview, each with its line', () => {
    const page = overview();
    for (const [name, { summary }] of commands)
      expect(page).toMatch(new RegExp(`^  ${name} +${summary.slice(0, 30)}`, 'mu'));
  });

  it('are register without a name, with the flags that there are', async () => {
    expect(await chooseCommand([])).toMatchObject({ command: { name: 'register' }, argv: [] });
    const argv = ['--name', 'doctor'];
    expect(await chooseCommand(argv)).toMatchObject({ command: { name: 'register' }, argv });
    expect(await chooseCommand(['register', ...argv])).toMatchObject({ command: { name: 'register' }, argv });
  });

  it('are explained by help, one or all', async () => {
    for (const argv of [['help'], ['--help'], ['--json', '-h'], ['help', '--json']]) {
      expect(await chooseCommand(argv)).toEqual({ command: 'overview' });
    }
    expect(await chooseCommand(['help', 'doctor'])).toMatchObject({
      command: { name: 'doctor' },
      argv: ['--help'],
    });
    await expect(chooseCommand(['help', 'doctor', 'configure'])).rejects.toMatchObject({ exitCode: 2 });
  });

  it.each([
    ['docter', 'Did you mean doctor?'],
    ['regsiter', 'Did you mean register?'],
    ['hlep', 'Did you mean help?'],
    ['launch', 'There are register,'],
  ])('do not include %s: %s', async (name, hint) => {
    await expect(chooseCommand([name])).rejects.toMatchObject({
      code: 'usage',
      exitCode: 2,
      message: `There is no command "${name}".`,
      remedy: expect.stringContaining(hint) as string,
    });
    await expect(chooseCommand(['help', name])).rejects.toMatchObject({ exitCode: 2 });
  });
});
