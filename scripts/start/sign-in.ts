import { errors } from './errors.ts';

/** A page as a browser without scripts sees it. */
interface Page {
  readonly url: URL;
  readonly status: number;
  readonly html: string;
}

/** A form: where it leads and what it sends when its first button is pressed. */
export interface Form {
  readonly action: string;
  readonly fields: URLSearchParams;
}

/** How long a page may take, in milliseconds, and how many redirects and forms a sign-in may have. */
const pageDeadline = 10_000;
const mostRedirects = 20;
const mostForms = 5;

/**
 * Signs in as a person would: opens the address, fills in the login form, presses the first button of every form
 * (Sign in, Allow), until the browser is sent back to the client.
 *
 * @throws StartError `sign-in-stuck`
 */
export async function submitSignIn(
  address: string,
  user: { email: string; password: string },
): Promise<void> {
  const visitor = new Visitor();
  const start = new URL(address);
  let page = await visitor.open(start);
  for (let forms = 0; page.url.origin === start.origin; forms += 1) {
    const form = firstForm(page.html);
    if (form === undefined || forms === mostForms) throw errors.signInStuck(page.url, textOf(page.html));
    if (form.fields.has('loginId')) form.fields.set('loginId', user.email);
    if (form.fields.has('password')) form.fields.set('password', user.password);
    page = await visitor.open(new URL(form.action, page.url), form.fields);
  }
  if (page.status !== 200) throw errors.signInStuck(page.url, textOf(page.html));
}

/** Follows redirects and keeps cookies, by origin. */
class Visitor {
  readonly #cookies = new Map<string, Map<string, string>>();

  async open(address: URL, form?: URLSearchParams): Promise<Page> {
    let url = address;
    let body = form;
    for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
      const jar = this.#cookies.get(url.origin) ?? new Map<string, string>();
      this.#cookies.set(url.origin, jar);
      const response = await fetch(url, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(body === undefined ? {} : { body }),
        redirect: 'manual',
        signal: AbortSignal.timeout(pageDeadline),
      });
      for (const cookie of response.headers.getSetCookie()) {
        const [, name, value] = /^(?<name>[^=;]+)=(?<value>[^;]*)/u.exec(cookie) ?? [];
        if (name !== undefined && value !== undefined) jar.set(name, value);
      }
      const location = response.headers.get('location');
      if (location === null) return { url, status: response.status, html: await response.text() };
      await response.body?.cancel();
      url = new URL(location, url);
      body = undefined;
    }
    throw errors.signInStuck(url, `more than ${mostRedirects} redirects`);
  }
}

/** The first form of a page, with the values that it has, and with its first button. */
export function firstForm(html: string): Form | undefined {
  const form = /<form\b(?<attributes>[^>]*)>(?<content>.*?)<\/form>/su.exec(html)?.groups;
  if (form === undefined) return undefined;
  const fields = new URLSearchParams();
  let pressed = false;
  for (const [, tag = '', rest = ''] of (form['content'] ?? '').matchAll(/<(input|button)\b([^>]*)>/gu)) {
    const { name, value = '', type, checked } = attributesOf(rest);
    if (type === 'checkbox' && checked === undefined) continue;
    if (tag === 'button') {
      if (pressed) continue;
      pressed = true;
    }
    if (name !== undefined) fields.append(name, value);
  }
  return { action: attributesOf(form['attributes'] ?? '')['action'] ?? '', fields };
}

function attributesOf(tag: string): Record<string, string | undefined> {
  return Object.fromEntries(
    [...tag.matchAll(/(?<name>[\w-]+)(?:="(?<value>[^"]*)")?/gu)].map(({ groups }) => [
      groups?.['name'] ?? '',
      decode(groups?.['value'] ?? ''),
    ]),
  );
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function decode(text: string): string {
  return text.replace(/&(?<name>#?\w+);/gu, (entity, name: string) => entities[name] ?? entity);
}

function textOf(html: string): string {
  return decode(html.replace(/<style\b.*?<\/style>|<title\b.*?<\/title>|<[^>]*>/gsu, ' '));
}
