/** A form on a page, with what a browser would send of it before anybody typed. */
export interface PageForm {
  readonly action: URL;
  readonly fields: URLSearchParams;
  /** Names of the inputs a person fills in or ticks. */
  readonly inputs: readonly string[];
}

/** A page, or the URL outside the site that a redirect led to. */
export interface Visit {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  /** Empty when the redirect left the site. */
  readonly text: string;
  readonly left: boolean;
}

/** A browser without scripts: cookies, redirects and forms. It never follows a redirect off its site. */
export class FormBrowser {
  readonly #cookies = new Map<string, { value: string; path: string }>();

  async open(url: string | URL, form?: URLSearchParams): Promise<Visit> {
    let target = new URL(url);
    let body = form;
    const site = target.origin;
    for (let step = 0; step < 10; step += 1) {
      const response = await fetch(target, {
        method: body === undefined ? 'GET' : 'POST',
        redirect: 'manual',
        headers: { cookie: this.cookiesFor(target) },
        ...(body === undefined ? {} : { body }),
      });
      this.#keep(response);
      const location = response.headers.get('location');
      const { status, headers } = response;
      if (location === null)
        return { url: target, status, headers, text: await response.text(), left: false };
      await response.body?.cancel();
      target = new URL(location, target);
      if (target.origin !== site) return { url: target, status, headers, text: '', left: true };
      body = undefined;
    }
    throw new Error(`More than ten redirects, the last to ${target.href}`);
  }

  /** Sends a page's form with `values` in place of its own; a list stands for ticked boxes of one name. */
  async submit(visit: Visit, values: Record<string, string | readonly string[]>): Promise<Visit> {
    const form = formOf(visit);
    for (const [name, value] of Object.entries(values)) {
      form.fields.delete(name);
      for (const item of typeof value === 'string' ? [value] : value) form.fields.append(name, item);
    }
    return this.open(form.action, form.fields);
  }

  forgetCookies(): void {
    this.#cookies.clear();
  }

  /** The Cookie header that it sends there. */
  cookiesFor(url: URL): string {
    return [...this.#cookies]
      .filter(([, { path }]) => url.pathname.startsWith(path))
      .map(([name, { value }]) => `${name}=${value}`)
      .join('; ');
  }

  #keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(/; */u);
      const [name = '', value = ''] = pair.split(/=(.*)/su);
      const path = attributes.find((attribute) => /^path=/iu.test(attribute))?.slice(5) ?? '/';
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, { value, path });
    }
  }
}

/** The first form of a page. */
export function formOf(visit: Visit): PageForm {
  const open = /<form\b(?<attributes>[^>]*)>(?<content>.*?)<\/form>/su.exec(visit.text);
  if (open?.groups === undefined) throw new Error(`There is no form on ${visit.url.href}:\n${visit.text}`);
  const fields = new URLSearchParams();
  const inputs: string[] = [];
  for (const [tag] of (open.groups['content'] ?? '').matchAll(/<input\b[^>]*>/gsu)) {
    const name = attribute(tag, 'name') ?? '';
    const type = attribute(tag, 'type') ?? 'text';
    if (type !== 'hidden') inputs.push(name);
    if (type !== 'checkbox' || /\bchecked\b/u.test(tag)) fields.append(name, attribute(tag, 'value') ?? '');
  }
  return {
    action: new URL(attribute(open.groups['attributes'] ?? '', 'action') ?? '', visit.url),
    fields,
    inputs,
  };
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`, 'u').exec(tag)?.[1];
  return value
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}
