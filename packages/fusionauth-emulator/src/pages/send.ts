import type { Response } from 'express';
import { pageHeaders } from './layout.ts';

/** Sends a page; `formTargets` as in {@link pageHeaders}. */
export function sendPage(
  response: Response,
  page: string,
  options: { status?: number; formTargets?: readonly string[] } = {},
): void {
  response
    .status(options.status ?? 200)
    .set(pageHeaders(options.formTargets))
    .type('html')
    .send(page);
}
