// The developer portal in Chromium: phone and desktop, light and dark, by keyboard alone and without scripts, and what axe
// finds wrong with it (nothing).
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { privateAuthority } from '../../packages/proxy/test/support/certificates.ts';
import { TlsFront } from '../../packages/setup/test/support/tls-front.ts';
import { Browser } from '../support/browser.ts';
import { examine, nothingWrong, screens, type Examination } from '../support/examination.ts';
import { freePort } from '../support/free-port.ts';
import { Processes } from '../support/processes.ts';

/** For people to look at; not kept. */
const screenshots = fileURLToPath(new URL('../artifacts/portal/', import.meta.url));
const mcpServerUrl = 'https://mcp.example.com';
const env = { PATH: process.env['PATH'] ?? '' };

let emulator: Emulator;
let browser: Browser;
let url: string;
const processes = new Processes();
beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true });
  [emulator, browser] = await Promise.all([startEmulator({ port: 0 }), Browser.start()]);
  url = await startPortal([]);
});
afterAll(async () => {
  await Promise.all([browser.close(), processes.close()]);
  await emulator.close();
});

async function startPortal(flags: readonly string[], port?: number): Promise<string> {
  const running = processes.startBin(
    'mcp-keyhole-setup',
    [
      'portal',
      ...['--fusionauth-url', emulator.url, '--mcp-server-url', mcpServerUrl],
      ...['--listen', String(port ?? (await freePort())), ...flags],
    ],
    { env },
  );
  const [, at = ''] = await running.prints('stdout', /The portal is at (\S+)/u);
  return at;
}

/** Types where the focus is, moves on with Tab, and sends with Enter, as a person without a mouse does. */
async function signInByKeyboard(page: Page): Promise<void> {
  await page.goto(url);
  await reach(page, 'Sign in with FusionAuth');
  await page.keyboard.press('Enter');
  await page.getByLabel('Email or username').waitFor();
  await page.keyboard.type('test@example.com');
  await page.keyboard.press('Tab');
  await page.keyboard.type('password');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Your clients' }).waitFor();
}

/** Presses Tab until the focus is at what has that text. */
async function reach(page: Page, text: string): Promise<void> {
  const seen: string[] = [];
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(
      () =>
        document.activeElement?.getAttribute('aria-label') ??
        document.activeElement?.textContent.trim() ??
        '',
    );
    if (focused === text) return;
    seen.push(focused);
  }
  throw new Error(`The keyboard does not get to ${JSON.stringify(text)}, only to ${JSON.stringify(seen)}`);
}

describe.each(Object.entries(screens))('on a %s', (screen, options) => {
  test('axe finds nothing wrong with any page, and each fits', async () => {
    const page = await browser.newPage(options);
    const found: Record<string, Examination> = {};
    const look = async (name: string): Promise<void> => {
      found[name] = await examine(page, path.join(screenshots, `${name}-${screen}.png`));
    };
    const register = async (name: string, host: string): Promise<void> => {
      await page.goto(`${url}/clients/new`);
      await page.getByLabel('Name').fill(name);
      await page.getByLabel('Host').selectOption(host);
      await page.getByRole('button', { name: 'Register' }).click();
    };
    try {
      await page.goto(url);
      await look('welcome');
      await page.goto(`${url}/clients/new`);
      await look('sign-in-first');
      await signInByKeyboard(page);
      await look('no-clients');
      await page.getByRole('link', { name: 'Register a client' }).click();
      await look('form');
      await page.getByLabel('Port', { exact: true }).fill('99999');
      await page.getByRole('button', { name: 'Register' }).click();
      await look('form-refused');
      await register(`Cursor on my ${screen}`, 'Cursor');
      await look('client');
      await page.getByText('Or let a command write it').click();
      await page.getByRole('link', { name: 'Codex' }).click();
      await page.getByText('Or let a command write it').click();
      await look('client-codex');
      await page.getByRole('link', { name: 'Another host' }).click();
      await page.getByRole('link', { name: 'Windows' }).click();
      await look('client-other');
      await register(
        `A client with quite a long name, which somebody gave it on a ${screen}`,
        'Claude Desktop',
      );
      await register(
        `Claude on the web, from a ${screen}`,
        'Claude on the web, on phones and as a connector of Claude Desktop',
      );
      await look('connector');
      await page.goto(url);
      await look('clients');
      await page.getByRole('link', { name: `Remove Cursor on my ${screen}` }).click();
      await look('remove');
      await page.getByRole('button', { name: 'Remove' }).click();
      await page.getByRole('status').waitFor();
      await look('removed');
      await page.goto(`${url}/clients/00000000-0000-0000-0000-00000000dead`);
      await look('not-found');
      await page.goto(url);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await look('signed-out');
      expect(found).toEqual(Object.fromEntries(Object.keys(found).map((name) => [name, nothingWrong])));
    } finally {
      await page.context().close();
    }
  });
});

describe('by keyboard alone and without scripts', () => {
  test('a client is registered, its configuration copied, and it is removed', async () => {
    const page = await browser.newPage({ javaScriptEnabled: false });
    try {
      await signInByKeyboard(page);
      await reach(page, 'Register a client');
      await page.keyboard.press('Enter');
      await page.locator('input:focus').waitFor();
      await page.keyboard.type('By keyboard');
      await page.keyboard.press('Tab');
      await page.keyboard.type('VS Code');
      await page.keyboard.press('Tab');
      await page.keyboard.type('4321');
      await page.keyboard.press('Enter');
      await page.getByRole('status').getByText('Registered By keyboard.').waitFor();
      const clientId = new URL(page.url()).pathname.replace('/clients/', '');

      await reach(page, 'Configuration');
      await page.keyboard.press('ControlOrMeta+A');
      const copied = await page.evaluate(() => {
        const area = document.activeElement as HTMLTextAreaElement;
        return area.value.slice(area.selectionStart, area.selectionEnd);
      });
      expect(JSON.parse(copied)).toEqual({
        servers: {
          'mcp-example-com': {
            type: 'stdio',
            command: 'npx',
            args: [
              ...['-y', 'mcp-keyhole', `${mcpServerUrl}/mcp`, '4321', '--client-id', clientId],
              ...['openid', 'profile', 'offline_access', 'get_name'].flatMap((scope) => ['--scope', scope]),
            ],
          },
        },
      });
      await reach(page, 'Remove this client');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Remove' }).waitFor();
      await reach(page, 'Remove');
      await page.keyboard.press('Enter');
      await page.getByRole('status').getByText('Removed By keyboard.').waitFor();
    } finally {
      await page.context().close();
    }
  });
});

describe('behind TLS', () => {
  let front: TlsFront;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'keyhole-portal-'));
    const authority = await privateAuthority(folder, 'company');
    const port = await freePort();
    const certified = await authority.issue('localhost', ['DNS:localhost']);
    front = await TlsFront.start(certified, () => `http://127.0.0.1:${port}`);
    expect(await startPortal(['--portal-url', front.url], port)).toBe(front.url);
  });
  afterAll(() => {
    front.close();
    rmSync(folder, { recursive: true });
  });

  test.each(Object.entries(screens))(
    'on a %s a browser keeps its cookies, signs in and registers a client',
    async (screen, options) => {
      const page = await browser.newPage({ ...options, ignoreHTTPSErrors: true });
      const found: Record<string, Examination> = {};
      const look = async (name: string): Promise<void> => {
        found[name] = await examine(page, path.join(screenshots, `https-${name}-${screen}.png`));
      };
      /** What the browser has of the portal, whose cookies alone are for its own page. */
      const cookies = async (): Promise<string[]> =>
        (await page.context().cookies(front.url))
          .filter(({ name }) => name.includes('keyhole'))
          .map(({ name, secure, httpOnly, sameSite, path: at }) =>
            [name, secure && 'Secure', httpOnly && 'HttpOnly', sameSite, at].join(' '),
          );
      const kept = (name: string): string[] => [`__Host-keyhole-${name} Secure HttpOnly Lax /`];
      try {
        await page.goto(front.url);
        await look('welcome');
        await page.getByRole('link', { name: 'Sign in with FusionAuth' }).click();
        await page.getByLabel('Email or username').fill('test@example.com');
        expect(await cookies()).toEqual(kept('sign-in'));
        await page.getByLabel('Password').fill('password');
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { name: 'Your clients' }).waitFor();
        expect(new URL(page.url()).origin).toBe(front.url);
        expect(await cookies()).toEqual(kept('session'));
        await look('clients');
        await page.getByRole('link', { name: 'Register a client' }).click();
        await page.getByLabel('Name').fill(`Over https, from a ${screen}`);
        await page.getByLabel('Host').selectOption('Cursor');
        await page.getByRole('button', { name: 'Register' }).click();
        await page.getByRole('status').waitFor();
        await look('client');
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.getByRole('link', { name: 'Sign out of FusionAuth too' }).click();
        await page.getByRole('link', { name: 'Sign in with FusionAuth' }).waitFor();
        expect(page.url()).toBe(`${front.url}/`);
        expect(await cookies()).toEqual([]);
        expect(found).toEqual({ welcome: nothingWrong, clients: nothingWrong, client: nothingWrong });
      } finally {
        await page.context().close();
      }
    },
  );
});

test('when FusionAuth is gone, its page is as good as the others', async () => {
  const page = await browser.newPage(screens.phone);
  try {
    const at = `${url}/sign-in`;
    await emulator.close();
    const response = await page.goto(at);
    expect(response?.status()).toBe(503);
    expect(await examine(page, path.join(screenshots, 'outage-phone.png'))).toEqual(nothingWrong);
  } finally {
    await page.context().close();
  }
});
