import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';
import { style } from './style.ts';

// Made apart from the page around it: the hash covers every character between the tags.
const styleElement = new Html(`<style>${style}</style>`);
const styleHash = `'sha256-${createHash('sha256').update(style).digest('base64')}'`;

/** A whole page. It loads nothing and runs nothing. */
export function page(title: string, content: Html): string {
  return `<!doctype html>
${
  html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="robots" content="noindex" />
      <title>${title}</title>
      <link rel="icon" href="data:," />
      ${styleElement}
    </head>
    <body>
      <main>
        <div class="mark">${keyhole}<span>FusionAuth emulator</span></div>
        ${content}
      </main>
      <footer>A development stand-in for FusionAuth. Never enter a real password here.</footer>
    </body>
  </html>`.text
}`;
}

const keyhole = html`<svg width="22" height="22" viewBox="0 0 24 24" fill="currentColor" aria-hidden="true">
  <path d="M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22Zm2 13.2 1.2 4.3H8.8l1.2-4.3a4 4 0 1 1 4 0Z" />
</svg>`;

/**
 * The headers of a page: nothing but its own style is allowed, no frame may hold it, no cache may keep it.
 *
 * @param formTargets origins besides our own that the page's form may lead to: a browser applies `form-action` to the
 *   redirects after a form as well, so the client's redirect URI has to be among them
 */
export function pageHeaders(formTargets: readonly string[] = []): Record<string, string> {
  return {
    'Content-Security-Policy': [
      "default-src 'none'",
      `style-src ${styleHash}`,
      'img-src data:',
      `form-action ${["'self'", ...formTargets].join(' ')}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  };
}

/** A redirect URI as a source of `form-action`: its origin, or the scheme of a native application. */
export function formTarget(redirectUri: string): string[] {
  if (!URL.canParse(redirectUri)) return [];
  const { origin, protocol } = new URL(redirectUri);
  return [origin === 'null' ? protocol : origin];
}
