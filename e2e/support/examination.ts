import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** What is wrong with a page as it is shown: nothing, if all is well. */
export interface Examination {
  /** What axe finds: rule and markup. */
  readonly violations: readonly string[];
  /** By how many CSS pixels it is wider than the window. */
  readonly overflow: number;
}

export const nothingWrong: Examination = { violations: [], overflow: 0 };

/** Looks at a page as it is shown now, and keeps a picture of it for people. @param picture where, as .png */
export async function examine(page: Page, picture: string): Promise<Examination> {
  await page.screenshot({ path: picture, fullPage: true });
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const found = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
  const overflow = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
  return { violations, overflow };
}

/** The windows that pages are looked at in. */
export const screens = {
  phone: { viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  'phone-dark': { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
  desktop: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
} as const;
