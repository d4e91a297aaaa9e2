import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';

/** What the pages of one program share around their content. */
export interface PageFrame {
  /** Beside the keyhole at the top: what this is a page of. */
  readonly mark: string;
  /** At the right of it. */
  readonly aside?: Html | undefined;
  /** Below the content; nothing when undefined. */
  readonly footer: string | undefined;
  /** The whole style sheet. */
  readonly style: string;
}

/** A whole page. It loads nothing and runs nothing. */
export function page({ mark, aside, footer, style }: PageFrame, title: string, content: Html): string {
  // Made apart from the page around it: the hash in the headers covers every character between the tags.
  const styleElement = new Html(`<style>${style}</style>`);
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
        <div class="mark">${keyhole()}<span>${mark}</span>${aside}</div>
        ${content}
      </main>
      ${footer === undefined ? undefined : html`<footer>${footer}</footer>`}
    </body>
  </html>`.text
}`;
}

function keyhole(): Html {
  return html`<svg width="22" height="22" viewBox="0 0 24 24" fill="currentColor" aria-hidden="true">
    <path d="M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22Zm2 13.2 1.2 4.3H8.8l1.2-4.3a4 4 0 1 1 4 0Z" />
  </svg>`;
}

/**
 * The headers of a page: nothing but its own style is allowed, no frame may hold it, no cache may keep it.
 *
 * @param formTargets origins besides our own that the page's form may lead to: a browser applies `form-action` to the
 *   redirects after a form as well
 */
export function pageHeaders(
  { style }: Pick<PageFrame, 'style'>,
  formTargets: readonly string[] = [],
): Record<string, string> {
  return {
    'Content-Security-Policy': [
      "default-src 'none'",
      `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
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
