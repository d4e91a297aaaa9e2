/** A string from here on is left out. */
const long = 1 << 16;
/** Quotes that are looked at: a text that is full of them is cheaper to read than to search. */
const mostQuotes = 200;

const quote = 0x22;
const backslash = 0x5c;
const space = 0x20;

/**
 * A JSON text without the contents of its long strings, such as an image in base64: all that stands around them can be read
 * without decoding and copying what nobody looks at. It is valid JSON exactly if the whole text is.
 *
 * @param encoding `latin1` when all bytes are ASCII
 * @returns undefined where nothing can be left out, or where it would take as long as reading it all: long strings with
 *   escapes, and texts with many strings
 */
export function withoutLongStrings(bytes: Buffer, encoding: 'latin1' | 'utf8'): string | undefined {
  let text = '';
  let from = 0;
  let quotes = 0;
  for (let start = bytes.indexOf(quote); start >= 0;) {
    let end = bytes.indexOf(quote, start + 1);
    quotes += 2;
    while (end >= 0 && quotes <= mostQuotes && isEscaped(bytes, end, start)) {
      end = bytes.indexOf(quote, end + 1);
      quotes += 1;
    }
    if (end < 0 || quotes > mostQuotes) return undefined;
    if (end - start > long) {
      if (!isPlain(bytes.subarray(start + 1, end))) return undefined;
      text += bytes.toString(encoding, from, start + 1);
      from = end;
    }
    start = bytes.indexOf(quote, end + 1);
  }
  return from === 0 ? undefined : text + bytes.toString(encoding, from);
}

/** Whether an odd number of backslashes stands before it. */
function isEscaped(bytes: Buffer, at: number, start: number): boolean {
  let before = at - 1;
  while (before > start && bytes[before] === backslash) before -= 1;
  return (at - 1 - before) % 2 === 1;
}

/** Whether it has neither escapes nor what must be escaped (RFC 8259, section 7). Each search runs at the memory's speed. */
function isPlain(content: Buffer): boolean {
  if (content.includes(backslash)) return false;
  for (let control = 0; control < space; control += 1) if (content.includes(control)) return false;
  return true;
}
