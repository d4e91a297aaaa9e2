import type { Errors } from '@fusionauth/typescript-client';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors, type SetupError } from './errors.ts';

/** What the client's promises resolve to, and with `exception` reject with: not an Error, and of a class it keeps to itself. */
export interface Answer<Body> {
  readonly statusCode?: number;
  readonly response?: Body;
  readonly exception?: unknown;
}

/** What FusionAuth's client rejected with, as an error that says what to do. `doing` ends the phrase "while …". */
export function translate(url: string, doing: string, answer: Answer<unknown>): SetupError {
  const { statusCode: status, exception } = answer;
  if (status === undefined) return errors.unreachable(url, networkReason(exception), exception);
  if (status < 300) return errors.notFusionAuth(url, 'its answer is broken JSON', exception);
  if (status === 401 || status === 403) return errors.apiKeyRefused(url, doing);
  if (status >= 500) return errors.failed(url, doing, status);
  const complaints = complaintsOf(exception);
  const said = complaints.map(({ code, message }) => message ?? code).join(' ') || `HTTP ${String(status)}`;
  const complains = (pattern: RegExp): boolean => complaints.some(({ code }) => pattern.test(code));
  if (complains(/^\[duplicate\]application\.name$/u)) return errors.nameTaken();
  // [notLicensed]field without a license, [notLicensedFor]field when the license lacks the feature.
  if (complains(/licensed/iu)) return errors.unlicensed(said);
  if (complains(/tenant/iu)) return errors.tenantRefused(said);
  return errors.rejected(doing, said);
}

interface Complaint {
  readonly code: string;
  readonly message: string | undefined;
}

/** The field and general errors of a refusal, in one list; empty when the body is not FusionAuth's. */
function complaintsOf(exception: unknown): Complaint[] {
  if (typeof exception !== 'object' || exception === null || exception instanceof Error) return [];
  const { fieldErrors = {}, generalErrors = [] } = exception as Errors;
  return [...Object.values(fieldErrors).flat(), ...generalErrors].map(({ code, message }) => ({
    code: String(code),
    message,
  }));
}

function networkReason(exception: unknown): string {
  const code = exception instanceof Error && 'code' in exception ? exception.code : undefined;
  return typeof code === 'string' ? code : messageOf(exception);
}
