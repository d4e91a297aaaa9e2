import { chromium, type Browser as Chromium, type BrowserContextOptions, type Page } from 'playwright-core';
import { program } from './programs.ts';

/** The test user of kickstart/kickstart.json. */
const testUser = { email: 'test@example.com', password: 'password' };

export interface SignInOptions {
  /** The button on the consent page. Default: Allow. */
  readonly answer?: 'Allow' | 'Cancel';
  /** Whether pages may run scripts. Default: true. */
  readonly javaScript?: boolean;
}

/** The page on which a sign-in ended. */
export interface LastPage {
  readonly url: URL;
  /** What a person reads there. */
  readonly text: string;
  readonly html: string;
}

/** Debian's Chromium, headless, for which no other computer exists. */
export class Browser {
  readonly #chromium: Chromium;

  private constructor(browser: Chromium) {
    this.#chromium = browser;
  }

  static async start(): Promise<Browser> {
    const launched = await chromium.launch({
      executablePath: program('chromium'),
      headless: true,
      // Chromium's sandbox does not start for root, which containers and CI are.
      chromiumSandbox: false,
      args: [
        '--no-default-browser-check',
        '--disable-dev-shm-usage',
        '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost',
      ],
    });
    return new Browser(launched);
  }

  /**
   * Signs in as a person with a fresh profile would: opens the URL, logs in on the login page, answers the consent page,
   * and waits for the page to which that leads.
   */
  async signIn(url: string, { answer = 'Allow', javaScript = true }: SignInOptions = {}): Promise<LastPage> {
    const context = await this.#chromium.newContext({ javaScriptEnabled: javaScript });
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(15_000);
      await page.goto(url);
      await page.getByLabel(/email|username|login/iu).fill(testUser.email);
      await page.getByLabel(/password/iu).fill(testUser.password);
      await page.getByRole('button', { name: /log ?in|sign ?in|submit/iu }).click();
      await page.getByRole('button', { name: new RegExp(`^${answer}`, 'iu') }).click();
      await page.waitForURL((at) => at.pathname.endsWith('/callback'));
      return {
        url: new URL(page.url()),
        text: await page.locator('body').innerText(),
        html: await page.content(),
      };
    } finally {
      await context.close();
    }
  }

  /** An empty page with a fresh profile; whoever asked for it closes its context. */
  async newPage(options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await this.#chromium.newContext(options)).newPage();
    page.setDefaultTimeout(15_000);
    return page;
  }

  async close(): Promise<void> {
    await this.#chromium.close();
  }
}
