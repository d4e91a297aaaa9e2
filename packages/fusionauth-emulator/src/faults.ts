import type { RequestHandler } from 'express';
import { objectOf, textOf, type JsonObject } from './json.ts';
import { Problems } from './admin/api-error.ts';
import { Input } from './admin/input.ts';

const kinds = ['slow', 'status', 'refuse'] as const;

/** Something that goes wrong with requests on purpose, until it has gone wrong often enough. */
export interface Fault {
  /** `slow` answers late, `status` answers nothing but a status, `refuse` closes the connection unanswered. */
  readonly kind: (typeof kinds)[number];
  /** The beginning of the paths that it befalls; undefined is every path. */
  readonly path: string | undefined;
  /** The HTTP method that it befalls; undefined is every one. */
  readonly method: string | undefined;
  /** For `slow`. */
  readonly milliseconds: number;
  /** For `status`: 400 to 599. */
  readonly status: number;
  /** For `status`: the header `Retry-After`, in seconds. */
  readonly retryAfter: number | undefined;
  /** How many requests it still befalls; undefined is all. */
  times: number | undefined;
}

/** The faults that are set, and how far the clock is off. They never befall `/emulator/`, where they are set. */
export class Faults {
  list: readonly Fault[] = [];
  /** Seconds that the emulator's clock is ahead, in its tokens, in checking them, and in the `Date` header. */
  clockShiftSeconds = 0;

  /** Milliseconds since the epoch by the emulator's clock. */
  now(): number {
    return Date.now() + this.clockShiftSeconds * 1_000;
  }

  readonly handler: RequestHandler = (request, response, next) => {
    if (this.clockShiftSeconds !== 0) response.set('Date', new Date(this.now()).toUTCString());
    const { path, method } = request;
    const fault = path.startsWith('/emulator/') ? undefined : this.#next(path, method);
    switch (fault?.kind) {
      case undefined:
        next();
        break;
      case 'slow': {
        const timer = setTimeout(next, fault.milliseconds);
        timer.unref();
        response.once('close', () => {
          clearTimeout(timer);
        });
        break;
      }
      case 'status':
        if (fault.retryAfter !== undefined) response.set('Retry-After', String(fault.retryAfter));
        response.status(fault.status).end();
        break;
      case 'refuse':
        request.socket.destroy();
        break;
    }
  };

  #next(path: string, method: string): Fault | undefined {
    const fault = this.list.find(
      (candidate) =>
        candidate.times !== 0 &&
        path.startsWith(candidate.path ?? '') &&
        (candidate.method ?? method) === method,
    );
    if (fault?.times !== undefined) fault.times -= 1;
    return fault;
  }
}

/** Reads `{"faults": […], "clockShiftSeconds": n}`. What is absent is none. @throws ApiError 400 */
export function readFaults(body: unknown): Pick<Faults, 'list' | 'clockShiftSeconds'> {
  const problems = new Problems();
  const whole = objectOf(body);
  const items: unknown = whole['faults'] ?? [];
  if (!Array.isArray(items)) problems.field('invalid', 'faults', 'It has to be a list.');
  const list = (Array.isArray(items) ? items : []).map((item: unknown, index) =>
    readFault(objectOf(item), `faults[${index}]`, problems),
  );
  const clockShiftSeconds = whole['clockShiftSeconds'] ?? 0;
  if (!Number.isSafeInteger(clockShiftSeconds)) {
    problems.field('invalid', 'clockShiftSeconds', 'It has to be a whole number.');
  }
  problems.throwIfAny();
  return { list, clockShiftSeconds: Number(clockShiftSeconds) };
}

function readFault(body: JsonObject, path: string, problems: Problems): Fault {
  const input = new Input(body, path, problems);
  if (textOf(body['kind']) === undefined) {
    problems.field('missing', `${path}.kind`, `It has to be one of ${kinds.join(', ')}.`);
  }
  const status = input.count('status', 503, 400);
  if (status > 599) problems.field('invalid', `${path}.status`, 'It has to be from 400 to 599.');
  return {
    kind: input.choice('kind', kinds, 'status'),
    path: input.text('path'),
    method: input.text('method')?.toUpperCase(),
    milliseconds: input.count('milliseconds', 1_000),
    status,
    retryAfter: body['retryAfter'] === undefined ? undefined : input.count('retryAfter', 1),
    times: body['times'] === undefined ? undefined : input.count('times', 1),
  };
}
