import { randomUUID } from 'node:crypto';

/** Letters, digits and a few signs, not long: it goes into every log line, so it must not be able to forge one. */
const sane = /^[\w.:+/=-]{1,128}$/u;

/** The id that the caller or a proxy gave the request, if it can be used, else a new one. */
export function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && sane.test(given) ? given : randomUUID();
}
