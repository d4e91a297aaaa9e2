import type { OpenBrowser } from '../../src/authorization/browser.ts';
import type { Page } from './browser.ts';

const mostPages = 20;

/** A browser with cookies but without scripts, whose user fills in each form that comes and sends it. */
export class FormBrowser {
  /** Where it went, redirects and forms included. */
  readonly visited: URL[] = [];
  readonly #cookies = new Map<string, string>();
  readonly #answers: Readonly<Record<string, string>>;
  #last: Promise<Page> = Promise.reject(new Error('no page was opened'));

  /** @param answers what the user types, by the name of the field */
  constructor(answers: Readonly<Record<string, string>>) {
    this.#answers = answers;
    this.#last.catch(() => undefined);
  }

  /** Like a real one it returns at once. */
  readonly open: OpenBrowser = (url) => {
    this.#last = this.visit(url);
    this.#last.catch(() => undefined);
    return Promise.resolve();
  };

  /** The page at which the last visit ended. */
  page(): Promise<Page> {
    return this.#last;
  }

  /** Goes from page to page until one has no form. */
  async visit(start: URL): Promise<Page> {
    let url = start;
    let form: URLSearchParams | undefined;
    while (this.visited.length < mostPages) {
      const response = await this.#fetch(url, form);
      const location = response.headers.get('location');
      const text = await response.text();
      if (location !== null) {
        url = new URL(location, url);
        form = undefined;
        continue;
      }
      const next = formIn(text);
      if (next === undefined || !response.ok) return { url, status: response.status, text };
      url = new URL(next.action, url);
      form = new URLSearchParams(
        next.fields.map(([name, value]): [string, string] => [name, this.#answers[name] ?? value]),
      );
    }
    throw new Error(`the user was led on and on: ${this.visited.map(String).join(' ')}`);
  }

  async #fetch(url: URL, form: URLSearchParams | undefined): Promise<Response> {
    this.visited.push(url);
    const cookie = [...this.#cookies]
      .filter(([name]) => name.startsWith(`${url.host} `))
      .map(([name, value]) => `${name.slice(url.host.length + 1)}=${value}`)
      .join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    });
    for (const header of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^(?<name>[^=]+)=(?<value>[^;]*)/u.exec(header) ?? [];
      if (/expires=Thu, 01 Jan 1970/iu.test(header)) this.#cookies.delete(`${url.host} ${name}`);
      else this.#cookies.set(`${url.host} ${name}`, value);
    }
    return response;
  }
}

/** The first form of a page: where it goes, and its fields with their values. */
function formIn(html: string): { action: string; fields: [name: string, value: string][] } | undefined {
  const [, opening = '', content = ''] = /<form(?<opening>[^>]*)>(?<content>.*?)<\/form>/su.exec(html) ?? [];
  const action = attribute(opening, 'action');
  if (action === undefined) return undefined;
  const fields = [...content.matchAll(/<input[^>]*>/gu)].flatMap(([input]): [string, string][] => {
    const name = attribute(input, 'name');
    return name === undefined ? [] : [[name, attribute(input, 'value') ?? '']];
  });
  return { action, fields };
}

function attribute(tag: string, name: string): string | undefined {
  const [, value] = new RegExp(`\\b${name}="(?<value>[^"]*)"`, 'u').exec(tag) ?? [];
  return value?.replaceAll('&amp;', '&');
}
