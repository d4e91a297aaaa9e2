import { isObject, type JsonObject } from '../json.ts';
import { generalProblem, type Problems } from './api-error.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/iu;

export function isUuid(value: string): boolean {
  return uuid.test(value);
}

/** The object that a request body wraps, such as `application` in `{"application": {…}}`. */
export function bodyMember(body: unknown, name: string): JsonObject {
  const member = isObject(body) ? body[name] : undefined;
  if (isObject(member)) return member;
  throw generalProblem(
    '[invalidJSON]',
    `Invalid JSON in the request body: it has to be an object with the member [${name}], sent as application/json.`,
  );
}

/** Reads members of one JSON object; what is wrong goes into `problems` under the object's path. */
export class Input {
  readonly #source: JsonObject;
  readonly #path: string;
  readonly #problems: Problems;

  constructor(source: unknown, path: string, problems: Problems) {
    this.#source = isObject(source) ? source : {};
    this.#path = path;
    this.#problems = problems;
    if (source !== undefined && !isObject(source)) {
      problems.field('invalid', path, 'It has to be an object.');
    }
  }

  child(name: string): Input {
    return new Input(this.#source[name], `${this.#path}.${name}`, this.#problems);
  }

  text(name: string): string | undefined {
    const value = this.#source[name];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value === 'string') return value;
    this.#wrong(name, 'It has to be a text.');
    return undefined;
  }

  texts(name: string, fallback: readonly string[]): readonly string[] {
    const value = this.#source[name];
    if (value === undefined || value === null) return fallback;
    if (Array.isArray(value) && value.every((item): item is string => typeof item === 'string')) return value;
    this.#wrong(name, 'It has to be a list of texts.');
    return fallback;
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#source[name];
    if (value === undefined || value === null) return fallback;
    if (typeof value === 'boolean') return value;
    // As FusionAuth's example kickstarts also write it.
    if (value === 'true' || value === 'false') return value === 'true';
    this.#wrong(name, 'It has to be true or false.');
    return fallback;
  }

  /** A whole number from `lowest` on. */
  count(name: string, fallback: number, lowest = 1): number {
    const value = this.#source[name];
    if (value === undefined || value === null) return fallback;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= lowest) return value;
    this.#wrong(name, `It has to be a whole number from ${lowest} on.`);
    return fallback;
  }

  choice<Word extends string>(name: string, words: readonly Word[], fallback: Word): Word {
    const value = this.#source[name];
    if (value === undefined || value === null) return fallback;
    const word = words.find((candidate) => candidate === value);
    if (word !== undefined) return word;
    this.#wrong(name, `It has to be one of ${words.join(', ')}.`);
    return fallback;
  }

  /** The members that are not among `known`. */
  rest(known: readonly string[]): JsonObject {
    return Object.fromEntries(Object.entries(this.#source).filter(([name]) => !known.includes(name)));
  }

  #wrong(name: string, message: string): void {
    this.#problems.field('invalid', `${this.#path}.${name}`, message);
  }
}
