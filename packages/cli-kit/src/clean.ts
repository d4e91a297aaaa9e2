// Terminal escape sequences (CSI, OSC and the two-character forms), so that "\x1b[31m" vanishes whole, not only its ESC.
const escapeSequences =
  // eslint-disable-next-line no-control-regex -- control characters are what this expression is for
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/gu;
// C0 and C1 controls, DEL, and the characters that reorder or hide text (bidirectional controls, zero-width, line and
// paragraph separators, tags). Tab and line feed stay.
const invisible =
  // eslint-disable-next-line no-control-regex -- as above
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/**
 * Text from elsewhere (a server's error, a user's name), made safe to show on a terminal or a page: terminal escape
 * sequences, control characters and bidirectional overrides are removed; tabs and line feeds stay.
 */
export function clean(text: string): string {
  return text.replace(escapeSequences, '').replace(invisible, '');
}

/** {@link clean}, on one line, and cut to `limit` characters with an ellipsis. */
export function cleanLine(text: string, limit = 300): string {
  const line = clean(text).replace(/\s+/gu, ' ').trim();
  if (line.length <= limit) return line;
  // Not between the two halves of a character beyond U+FFFF.
  return `${line.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
