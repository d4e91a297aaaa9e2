import express, { type Request, type RequestHandler } from 'express';
import type { Platform } from '../hosts/machine.ts';
import { isRecord } from './own-clients.ts';
import { sameSecret, type Session, type Sessions } from './sessions.ts';
import { refusals } from './refusals.ts';

/** The largest form of the portal has four fields. In bytes. */
const largestForm = 4_096;

/** Reads forms, and nothing else. */
export const formBody: RequestHandler = express.urlencoded({
  extended: false,
  limit: largestForm,
  parameterLimit: 10,
});

/** The fields of a form; a field that came twice is none. */
export function fieldsOf(request: Request): Readonly<Record<string, string>> {
  const body: unknown = request.body;
  if (!isRecord(body)) return {};
  return Object.fromEntries(
    Object.entries(body).filter((field): field is [string, string] => typeof field[1] === 'string'),
  );
}

/** Who is signed in. @throws Refusal, with the way back to this page */
export function sessionOf(sessions: Sessions, request: Request): Session {
  const session = sessions.of(request);
  if (session !== undefined) return session;
  const changes = request.method !== 'GET';
  throw refusals.signedOut(changes ? '/' : request.originalUrl, changes);
}

/** Who is signed in and sent a form of this session. @throws Refusal */
export function formSessionOf(sessions: Sessions, request: Request): Session {
  const session = sessionOf(sessions, request);
  if (!sameSecret(fieldsOf(request)['csrf'] ?? '', session.csrf)) throw refusals.forged();
  return session;
}

/** The platform that a browser says it runs on; macOS when it says nothing. */
export function platformOf(request: Request): Platform {
  const agent = request.get('user-agent') ?? '';
  if (agent.includes('Windows')) return 'win32';
  return /Linux|X11|CrOS/u.test(agent) ? 'linux' : 'darwin';
}
