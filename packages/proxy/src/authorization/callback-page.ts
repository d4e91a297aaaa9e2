import { createHash } from 'node:crypto';
import { clean } from '@mcp-keyhole/cli-kit';

const style = `
:root { color-scheme: light dark; --ground: #f4f5f7; --card: #fff; --ink: #1c2330; --quiet: #5b6475; --good: #17795e; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #12151b; --card: #1c212b; --ink: #eceff4; --quiet: #a3adbd; --good: #56c9a6; --bad: #ff8a80; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 30rem; width: 100%; padding: 2.5rem 2rem; border-radius: 1rem; background: var(--card);
  box-shadow: 0 1px 2px rgb(0 0 0 / 8%), 0 12px 32px rgb(0 0 0 / 8%); text-align: center; }
svg { width: 3.5rem; height: 3.5rem; stroke-width: 2.5; fill: none; stroke: currentColor; stroke-linecap: round; stroke-linejoin: round; }
.good svg { color: var(--good); } .bad svg { color: var(--bad); }
h1 { margin: 1rem 0 .5rem; font-size: 1.45rem; line-height: 1.25; }
p { margin: .5rem 0; } .quiet { color: var(--quiet); font-size: .925rem; }
code { font: .925em ui-monospace, "SF Mono", Consolas, monospace; overflow-wrap: anywhere; }
`;

const styleHash = createHash('sha256').update(style).digest('base64');

/** The headers of every answer of the callback server: nothing is cached, embedded, loaded or referred. */
export const callbackHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

const marks = {
  good: '<svg viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="20"/><path d="m15 24.5 6.5 6.5L34 18"/></svg>',
  bad: '<svg viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="20"/><path d="M24 14v13M24 33.5v.1"/></svg>',
};

/** After the code exchange, and only then. */
export function successPage(server: URL): string {
  return page('good', 'You are signed in', [
    `<p>Keyhole can now use <code>${escape(server.href)}</code> for you.</p>`,
    '<p class="quiet">You can close this tab and go back to your application.</p>',
  ]);
}

/** When the sign-in did not work; `message` and `remedy` are Keyhole's own words. */
export function failurePage(server: URL, message: string, remedy: string): string {
  return page('bad', 'The sign-in did not work', [
    `<p>${escape(message)}</p>`,
    `<p>${escape(remedy)}</p>`,
    `<p class="quiet">This was for <code>${escape(server.href)}</code>.</p>`,
  ]);
}

/** For requests that do not belong to the sign-in that is waiting. It goes on waiting. */
export function notForUsPage(): string {
  return page('bad', 'Nothing to do here', [
    '<p>This address takes part in a sign-in, and this request does not belong to the one that is waiting.</p>',
    '<p class="quiet">If you were signing in, go back to the tab with the sign-in page.</p>',
  ]);
}

function page(kind: 'good' | 'bad', title: string, paragraphs: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – Keyhole</title>
<style>${style}</style>
</head>
<body><main class="${kind}">${marks[kind]}<h1>${title}</h1>${paragraphs.join('')}</main></body>
</html>
`;
}

function escape(text: string): string {
  return clean(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
