import express, { type Request, type RequestHandler } from 'express';

/** Reads a form body, at most 64 KB, for {@link formOf}. */
export const readForm: RequestHandler = express.text({
  type: 'application/x-www-form-urlencoded',
  limit: '64kb',
});

/** The form that was sent; empty when the body was something else. */
export function formOf(request: Pick<Request, 'body'>): URLSearchParams {
  const body: unknown = request.body;
  return new URLSearchParams(typeof body === 'string' ? body : '');
}
