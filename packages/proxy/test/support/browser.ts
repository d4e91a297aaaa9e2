import { expect, onTestFinished } from 'vitest';
import type { OpenBrowser } from '../../src/authorization/browser.ts';

/** Where a visit ended. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
}

/** Follows redirects as a browser does, and shows the page at the end. */
export async function visit(start: URL | string): Promise<Page> {
  let url = new URL(start);
  for (let hops = 0; hops < 10; hops += 1) {
    const response = await fetch(url, { redirect: 'manual' });
    const location = response.headers.get('location');
    if (location === null) return { url, status: response.status, text: await response.text() };
    await response.body?.cancel();
    url = new URL(location, url);
  }
  throw new Error(`too many redirects from ${String(start)}`);
}

/** A browser in which the user agrees to everything at once. */
export class Browser {
  /** The sign-in URLs that were opened. */
  readonly opened: URL[] = [];
  readonly #visits: Promise<Page>[] = [];

  /** Like a real one it returns at once: the page comes later. */
  readonly open: OpenBrowser = (url) => {
    this.opened.push(url);
    this.#visits.push(visit(url));
    return Promise.resolve();
  };

  /** The pages at which the visits ended. */
  pages(): Promise<Page[]> {
    return Promise.all(this.#visits);
  }
}

/** A browser that must stay closed: opening it fails the test. */
export function noBrowser(): OpenBrowser {
  const opened: string[] = [];
  onTestFinished(() => {
    expect(opened, 'sign-in pages opened').toEqual([]);
  });
  return (url) => {
    opened.push(url.href);
    return Promise.reject(new Error('a browser was opened'));
  };
}
