import { describe, expect, it } from 'vitest';
import { whyNoBrowser } from '../src/authorization/browser.ts';

const ssh = { SSH_CONNECTION: '10.0.0.1 22' };
const noDisplay = 'this session has no display';
const isSsh = 'this is an SSH session';

describe('whether a browser can open', () => {
  it.each([
    ['linux', {}, noDisplay],
    ['linux', { DISPLAY: '' }, noDisplay],
    ['linux', { DISPLAY: ':0' }, undefined],
    ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, undefined],
    ['linux', { WSL_DISTRO_NAME: 'Debian' }, undefined],
    ['linux', { ...ssh, DISPLAY: ':10' }, isSsh],
    ['linux', { SSH_TTY: '/dev/pts/0' }, isSsh],
    ['linux', { ...ssh, BROWSER: 'w3m' }, undefined],
    ['linux', { BROWSER: '' }, noDisplay],
    ['darwin', {}, undefined],
    ['darwin', ssh, isSsh],
    ['win32', {}, undefined],
    ['win32', ssh, isSsh],
  ] as const)('on %s with %j: the reason against it is %j', (platform, env, reason) => {
    expect(whyNoBrowser(env, true, platform)).toBe(reason);
  });

  it.each(['linux', 'darwin', 'win32'] as const)('on %s it cannot where it is not wanted', (platform) => {
    expect(whyNoBrowser({ BROWSER: 'firefox', DISPLAY: ':0' }, false, platform)).toBe('--no-browser');
  });
});
