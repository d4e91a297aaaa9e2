/** Why a value cannot be used; the command line adds which flag or variable it came from. */
export class InvalidValue extends Error {}

/** Any text that is not empty. */
export function text(raw: string): string {
  if (raw.trim() === '') throw new InvalidValue('it is empty');
  return raw;
}

/** A TCP port, 1 to 65535; with `{ any: true }` also 0, which lets the system choose. */
export function port(raw: string, options: { any?: boolean } = {}): number {
  const lowest = options.any === true ? 0 : 1;
  const value = wholeNumber(raw);
  if (value === undefined || value < lowest || value > 65_535) {
    throw new InvalidValue(`a port is a whole number from ${String(lowest)} to 65535`);
  }
  return value;
}

/** A positive number of seconds, fractions allowed; in milliseconds. At most 24 days, the longest a timer can wait. */
export function seconds(raw: string): number {
  const value = /^\d+(?:\.\d+)?$/u.test(raw) ? Number(raw) * 1_000 : Number.NaN;
  if (!(value > 0 && value <= 2_073_600_000)) {
    throw new InvalidValue('it is a positive number of seconds, such as 30');
  }
  return value;
}

/** One of a fixed set of words. */
export function choice<const Word extends string>(words: readonly Word[]): (raw: string) => Word {
  return (raw) => {
    const word = words.find((candidate) => candidate === raw);
    if (word === undefined) throw new InvalidValue(`it is one of ${words.join(', ')}`);
    return word;
  };
}

/** An absolute http or https URL without user name, password or fragment. */
export function httpUrl(raw: string): URL {
  const url = URL.canParse(raw) ? new URL(raw) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new InvalidValue('it is a full URL, such as https://mcp.example.com/mcp');
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidValue('a URL with a user name or password in it would leak them into logs');
  }
  if (url.hash !== '') throw new InvalidValue('it has a fragment (#…), which a server never sees');
  return url;
}

function wholeNumber(raw: string): number | undefined {
  return /^\d{1,10}$/u.test(raw) ? Number(raw) : undefined;
}
