import { connect } from 'node:tls';
import { messageOf } from '@mcp-keyhole/cli-kit';
import type { Certificate } from './facts.ts';

/** How long one answer may take, in milliseconds. */
export const lookDeadline = 10_000;
/** How much of an answer is read, in bytes: discovery documents and applications are far smaller. */
const largestAnswer = 4_000_000;

/** What could not be had, as a reason that stands in a sentence. */
export class NotSeen extends Error {}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** When it was asked for and when its head arrived, in milliseconds since the epoch. */
  readonly asked: number;
  readonly arrived: number;
}

/** One HTTP exchange, without following redirects. @throws NotSeen when there is no answer */
export async function exchange(
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const asked = Date.now();
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(lookDeadline),
    });
    const arrived = Date.now();
    return {
      status: response.status,
      headers: response.headers,
      text: await textOf(response),
      asked,
      arrived,
    };
  } catch (error) {
    if (error instanceof NotSeen) throw error;
    throw new NotSeen(`${url} does not answer (${reasonOf(error)})`, { cause: error });
  }
}

/** The JSON object of an answer with status 200. @throws NotSeen */
export async function readObject(
  url: string,
  headers: Record<string, string> = {},
): Promise<[object, Answer]> {
  const answer = await exchange(url, { headers: { accept: 'application/json', ...headers } });
  if (answer.status !== 200) throw new NotSeen(`${url} answers HTTP ${String(answer.status)}`);
  try {
    const body: unknown = JSON.parse(answer.text);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return [body, answer];
  } catch {
    // Said below, like an answer that is JSON but no object.
  }
  throw new NotSeen(`${url} does not answer with a JSON object`);
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array;
    size += bytes.length;
    if (size > largestAnswer) throw new NotSeen(`${response.url} answers with more than 4 MB`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The certificate at an https URL, trusted or not. @throws NotSeen when there is no TLS */
export function readCertificate(url: string): Promise<Certificate> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/gu, '');
  return new Promise((resolve, reject) => {
    // It is only looked at: nothing is sent over this connection.
    const socket = connect({
      host,
      port: port === '' ? 443 : Number(port),
      ...(/^[\d.]+$|:/u.test(host) ? {} : { servername: host }),
      rejectUnauthorized: false,
    });
    const fail = (why: string): void => {
      socket.destroy();
      reject(new NotSeen(`${url}: no TLS connection (${why})`));
    };
    socket.setTimeout(lookDeadline, () => fail('no answer'));
    socket.once('error', (error) => fail(reasonOf(error)));
    socket.once('secureConnect', () => {
      const { valid_to: until, subjectaltname = '' } = socket.getPeerCertificate();
      const refusal = socket.authorized ? undefined : reasonOf(socket.authorizationError);
      socket.destroy();
      const names = subjectaltname.split(', ').map((name) => name.replace(/^[^:]*:/u, ''));
      resolve({ url, refusal, expiresAt: Date.parse(until), names });
    });
  });
}

/** What people may not know by its code. */
const networkFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'ECONNREFUSED: nothing listens there',
  ENOTFOUND: 'ENOTFOUND: there is no such host name',
  UND_ERR_SOCKET: 'the connection was closed unanswered',
};

/** The code of a network failure, else its message. */
function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'no answer in 10 seconds';
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return networkFailures[cause.code] ?? cause.code;
  }
  return messageOf(error);
}
