import type { HttpResponse } from './exchange.ts';
import { ConnectionLost } from './failures.ts';

/** What of an unusable response is read, to be shown. */
const mostShownBytes = 1 << 16;

/** A body as it comes. The next piece is read when the taker is done with this one. @throws ConnectionLost */
export async function* chunksOf({ body }: HttpResponse): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw asLost(error);
  }
}

/** A body whole. Cheaper than {@link chunksOf}, which every small answer would feel. @throws ConnectionLost */
export function wholeBody({ body }: HttpResponse): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    body.on('data', (piece: Buffer) => pieces.push(piece));
    let isWhole = false;
    body.once('end', () => {
      isWhole = true;
      resolve(pieces.length === 1 ? (pieces[0] ?? Buffer.alloc(0)) : Buffer.concat(pieces));
    });
    const onClose = (): void => {
      if (!isWhole) reject(asLost(body.errored ?? new Error('the connection was closed')));
    };
    if (body.closed) onClose();
    else body.once('error', onClose).once('close', onClose);
  });
}

/** The beginning of a body that is shown rather than used; of one that is cut, what came. */
export async function beginningOf(response: HttpResponse): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of chunksOf(response)) {
      pieces.push(piece);
      length += piece.length;
      if (length >= mostShownBytes) break;
    }
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
  }
  return Buffer.concat(pieces).subarray(0, mostShownBytes).toString('utf8');
}

/** Reads a body that nobody wants to its end, so that its connection can be used again. */
export function discard({ body }: HttpResponse): void {
  body.on('error', () => undefined).resume();
}

function asLost(error: unknown): ConnectionLost {
  if (error instanceof ConnectionLost) return error;
  return new ConnectionLost(error instanceof Error ? error.message : String(error), { cause: error });
}
