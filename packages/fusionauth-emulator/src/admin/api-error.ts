/** FusionAuth's error body: by field, and in general. */
export interface ErrorBody {
  readonly fieldErrors: Readonly<Record<string, readonly { code: string; message: string }[]>>;
  readonly generalErrors: readonly { code: string; message: string }[];
}

/** An answer of the management API that is not a success. Without a body, as FusionAuth's 401 and 404 are. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: ErrorBody | undefined;

  constructor(status: number, body?: ErrorBody) {
    super(body === undefined ? `HTTP ${status}` : describe(body));
    this.name = 'ApiError';
    this.status = status;
    this.body = body;
  }
}

/** One or more things wrong with a request, gathered so that the caller sees them all at once. */
export class Problems {
  readonly #fields = new Map<string, { code: string; message: string }[]>();
  readonly #general: { code: string; message: string }[] = [];

  /** `kind` is FusionAuth's word, such as `blank`, `missing`, `invalid`, `duplicate`. */
  field(kind: string, name: string, message: string): void {
    const list = this.#fields.get(name) ?? [];
    this.#fields.set(name, [...list, { code: `[${kind}]${name}`, message }]);
  }

  general(code: string, message: string): void {
    this.#general.push({ code, message });
  }

  /** @throws ApiError 400 when anything was found */
  throwIfAny(): void {
    if (this.#fields.size === 0 && this.#general.length === 0) return;
    throw new ApiError(400, { fieldErrors: Object.fromEntries(this.#fields), generalErrors: this.#general });
  }
}

export function notFound(): ApiError {
  return new ApiError(404);
}

export function fieldProblem(kind: string, name: string, message: string): ApiError {
  return new ApiError(400, {
    fieldErrors: { [name]: [{ code: `[${kind}]${name}`, message }] },
    generalErrors: [],
  });
}

export function generalProblem(code: string, message: string, status = 400): ApiError {
  return new ApiError(status, { fieldErrors: {}, generalErrors: [{ code, message }] });
}

function describe(body: ErrorBody): string {
  return [...Object.values(body.fieldErrors).flat(), ...body.generalErrors]
    .map(({ code, message }) => `${code} ${message}`)
    .join(' ');
}
