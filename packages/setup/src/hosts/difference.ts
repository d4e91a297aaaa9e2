import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';

/** Members whose values are likely to be secret, in JSON and TOML, and bearer tokens anywhere. */
const secrets: readonly RegExp[] = [
  /(?<kept>"?[\w.-]*(?:key|token|secret|password|authorization)[\w.-]*"?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*')/giu,
  /(?<kept>bearer\s+)[\w.~+/=-]+/giu,
];

/**
 * What changes in a file, as a unified diff with two lines around. What looks like a secret is shown as `"…"`: the lines around are
 * other people's servers, and terminals are recorded.
 */
export function difference(file: string, before: string, after: string): string {
  const patch = createTwoFilesPatch(file, file, before, after, undefined, undefined, {
    context: 2,
    headerOptions: FILE_HEADERS_ONLY,
  });
  const shown = secrets.reduce((text, secret) => text.replace(secret, '$<kept>"…"'), patch);
  return shown.replaceAll('\r', '').replace(/^\\ No newline at end of file\n/gmu, '');
}
