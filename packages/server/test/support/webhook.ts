import { createHash } from 'node:crypto';
import { SignJWT } from 'jose';
import type { AuthorizationServer } from './sign-in.ts';

/** What the server acts on. */
export const eventTypes = ['jwt.refresh-token.revoke', 'user.deactivate', 'jwt.public-key.update'];

export const secret = 'a secret that both sides know, 32 bytes long';

/** Asks FusionAuth's management API. @throws Error when it does not say 2xx */
export async function manage(
  { url, apiKey }: AuthorizationServer,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { Authorization: apiKey, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
}

/**
 * Has FusionAuth send its events to a URL and nowhere else, signed, and answer the call that caused one only when it was taken.
 *
 * @param key the body of the key's creation
 */
export async function subscribe(
  server: AuthorizationServer,
  url: string,
  key: { path: string; key: object },
): Promise<void> {
  const created = await manage(server, 'POST', key.path, { key: { name: `Events for ${url}`, ...key.key } });
  const { id: signingKeyId } = created['key'] as { id: string };
  const { tenants } = (await manage(server, 'GET', '/api/tenant')) as { tenants: [{ id: string }] };
  const event = { enabled: true, transactionType: 'AbsoluteMajority' };
  await manage(server, 'PATCH', `/api/tenant/${tenants[0].id}`, {
    tenant: {
      eventConfiguration: { events: Object.fromEntries(eventTypes.map((type) => [type, event])) },
    },
  });
  const { webhooks } = (await manage(server, 'GET', '/api/webhook')) as { webhooks: { id: string }[] };
  for (const { id } of webhooks) await manage(server, 'DELETE', `/api/webhook/${id}`);
  await manage(server, 'POST', '/api/webhook', {
    webhook: {
      url,
      global: true,
      connectTimeout: 1_000,
      readTimeout: 1_000,
      eventsEnabled: Object.fromEntries(eventTypes.map((type) => [type, true])),
      signatureConfiguration: { enabled: true, signingKeyId },
    },
  });
}

/** The body of an event. */
export function eventBody(type: string, fields: object = {}): string {
  return JSON.stringify({
    event: { type, id: crypto.randomUUID(), createInstant: Date.now(), ...fields },
  });
}

/** FusionAuth's signature of a body, with the shared secret. */
export async function signatureOf(body: string, key = secret): Promise<string> {
  return new SignJWT({ request_body_sha256: createHash('sha256').update(body).digest('base64') })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: 'events' })
    .sign(new TextEncoder().encode(key));
}
