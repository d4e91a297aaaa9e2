// The emulator's pages in Chromium: phone and desktop, light and dark, by keyboard alone, and what axe finds wrong with them (nothing).
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { Browser } from '../support/browser.ts';
import { examine, nothingWrong, screens } from '../support/examination.ts';

/** For people to look at; not kept. */
const screenshots = fileURLToPath(new URL('../artifacts/emulator-pages/', import.meta.url));
const callback = 'http://localhost:3334/oauth/callback';
const resource = 'http://localhost:8000/mcp';
const grants = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];

let emulator: Emulator;
let browser: Browser;
let clientId: string;
beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true });
  [emulator, browser] = await Promise.all([startEmulator({ port: 0 }), Browser.start()]);
  const { application } = await call<{ application: { id: string } }>('/api/application', {
    application: {
      name: 'A client with a long name on a small screen',
      oauthConfiguration: {
        authorizedRedirectURLs: [callback],
        authorizedResourceUris: [resource],
        clientAuthenticationPolicy: 'NotRequired',
        enabledGrants: grants,
        relationship: 'ThirdParty',
      },
    },
  });
  clientId = application.id;
  await call(`/api/application/${clientId}/scope`, {
    scope: { name: 'get_name', required: true, defaultConsentMessage: 'Read your name' },
  });
});
afterAll(async () => {
  await browser.close();
  await emulator.close();
});

async function call<Body>(route: string, body: unknown): Promise<Body> {
  const response = await fetch(`${emulator.url}${route}`, {
    method: 'POST',
    headers: { authorization: emulator.apiKey ?? '', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Body;
}

function authorizationUrl(changes: Record<string, string> = {}): string {
  const parameters = { client_id: clientId, redirect_uri: callback, response_type: 'code', state: 's' };
  const scope = 'openid profile offline_access get_name';
  const query = new URLSearchParams({ ...parameters, scope, resource, ...changes });
  return `${emulator.url}/oauth2/authorize?${query.toString()}`;
}

async function deviceUrl(): Promise<string> {
  const response = await fetch(`${emulator.url}/oauth2/device_authorize`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, scope: 'openid profile get_name' }),
  });
  return ((await response.json()) as { verification_uri_complete: string }).verification_uri_complete;
}

/** Types where the focus is, moves on with Tab, and sends with Enter, as a person without a mouse does. */
async function logInByKeyboard(page: Page, password: string): Promise<void> {
  await page.locator('input:focus').waitFor();
  await page.keyboard.type('test@example.com');
  await page.keyboard.press('Tab');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
}

/** Every page, and the way to it. */
const pages: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  home: (page) => page.goto(emulator.url),
  login: (page) => page.goto(authorizationUrl()),
  'login-refused': async (page) => {
    await page.goto(authorizationUrl());
    await logInByKeyboard(page, 'wrong');
    await page.getByRole('alert').waitFor();
  },
  consent: async (page) => {
    await page.goto(authorizationUrl());
    await logInByKeyboard(page, 'password');
    await page.getByRole('button', { name: 'Allow' }).waitFor();
  },
  'device-code': (page) => page.goto(`${emulator.url}/oauth2/device`),
  'device-approval': async (page) => page.goto(await deviceUrl()),
  error: (page) => page.goto(authorizationUrl({ redirect_uri: `${callback}/other` })),
  'form-post': (page) => page.goto(authorizationUrl({ response_mode: 'form_post', prompt: 'none' })),
};

describe.each(Object.entries(screens))('on a %s', (screen, options) => {
  test.each(Object.entries(pages))(
    'axe finds nothing wrong with the page %s, and it fits',
    async (name, go) => {
      const page = await browser.newPage(options);
      try {
        await go(page);
        expect(await examine(page, path.join(screenshots, `${name}-${screen}.png`))).toEqual(nothingWrong);
      } finally {
        await page.context().close();
      }
    },
  );
});

describe('by keyboard alone', () => {
  test('a sign-in goes from the login page over an unticked scope to the client', async () => {
    const page = await browser.newPage();
    try {
      await page.goto(authorizationUrl({ state: 'by-keyboard' }));
      await logInByKeyboard(page, 'password');
      await page.getByRole('button', { name: 'Allow' }).waitFor();
      // The one optional scope is the first stop, then Allow.
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.getAttribute('value'))).toBe('profile');
      await page.keyboard.press('Space');
      await page.keyboard.press('Tab');
      const answered = page.waitForRequest((request) => request.url().startsWith(callback));
      await page.keyboard.press('Enter');
      const { searchParams } = new URL((await answered).url());
      expect(searchParams.get('state')).toBe('by-keyboard');
      expect(searchParams.has('code')).toBe(true);
    } finally {
      await page.context().close();
    }
  });

  test('a device is connected', async () => {
    const page = await browser.newPage();
    try {
      const code = new URL(await deviceUrl()).searchParams.get('user_code') ?? '';
      await page.goto(`${emulator.url}/oauth2/device`);
      await page.locator('input:focus').waitFor();
      await page.keyboard.type(code);
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Allow' }).waitFor();
      // Past the optional scope.
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await logInByKeyboard(page, 'password');
      await page.getByText('Your device is connected.').waitFor();
    } finally {
      await page.context().close();
    }
  });
});
