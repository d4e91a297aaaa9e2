import { OAuthError } from './oauth-error.ts';

/**
 * The parameters of an OAuth request: each at most once (RFC 6749 section 3.1), save `resource`, which may be repeated
 * (RFC 8707 section 2). An empty value counts as absent.
 */
export class Parameters {
  readonly #values: URLSearchParams;

  constructor(values: URLSearchParams) {
    this.#values = values;
  }

  get(name: string): string | undefined {
    const value = this.#values.get(name);
    return value === null || value === '' ? undefined : value;
  }

  get resources(): string[] {
    return [...new Set(this.#values.getAll('resource').filter((value) => value !== ''))];
  }

  get scopes(): string[] {
    return splitScope(this.get('scope'));
  }

  /** @throws OAuthError naming a parameter that came twice */
  rejectRepeated(): void {
    for (const name of new Set(this.#values.keys())) {
      if (name !== 'resource' && this.#values.getAll(name).length > 1) {
        throw new OAuthError(
          'invalid_request',
          'unknown',
          `The parameter [${name}] was sent more than once.`,
        );
      }
    }
  }
}

/** A `scope` value as its words, each once. */
export function splitScope(scope: string | undefined): string[] {
  return [...new Set((scope ?? '').split(' ').filter((word) => word !== ''))];
}

/** Form or query parameters without those that are undefined, in the order given. */
export function definedParameters(fields: Record<string, string | undefined>): URLSearchParams {
  return new URLSearchParams(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
