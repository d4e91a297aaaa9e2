/** One thing that is wrong, as a person and a program read it. */
export interface Finding {
  /** Stable, kebab-case: what `--ignore` and the README's table key on. */
  readonly code: string;
  /** `wrong` breaks a sign-in or what comes after it; `warning` does so at times, or leaves a hole. */
  readonly outcome: 'wrong' | 'warning';
  /** What it is found at, such as `tenant Default`. */
  readonly about: string;
  readonly message: string;
  /** What it breaks, and how that shows. */
  readonly consequence: string;
  /** What to change, and where. */
  readonly remedy: string;
  /** What `--fix` would do about it; undefined where FusionAuth's API cannot. */
  readonly change?: Change;
}

/** What `--fix` does: sentences for a person, and the requests of FusionAuth's API that make it so, in order. */
export interface Change {
  readonly says: readonly string[];
  readonly requests: readonly ApiRequest[];
}

export interface ApiRequest {
  readonly method: 'POST' | 'PUT' | 'PATCH';
  /** Such as `/api/tenant/{id}`. */
  readonly path: string;
  /** A PATCH is a JSON merge patch (RFC 7396): a list in it replaces the whole list. */
  readonly body?: object;
}

/** A finding before it is known which check made it. */
export type Trouble = Omit<Finding, 'code' | 'outcome'>;
