import { createHash } from 'node:crypto';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { SignJWT } from 'jose';
import type { Store } from '../store/store.ts';
import type { Webhook } from '../store/types.ts';

/**
 * Sends one event to one webhook. Only a status from 200 to 299 is success.
 *
 * @returns undefined, or why it failed
 */
export async function deliver(store: Store, webhook: Webhook, body: string): Promise<string | undefined> {
  try {
    const response = await fetch(webhook.url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        ...webhook.headers,
        ...basic(webhook),
        ...(await signature(store, webhook, body)),
        'content-type': 'application/json',
      },
      body,
      // fetch has no deadline for the connection alone.
      signal: AbortSignal.timeout(webhook.connectTimeout + webhook.readTimeout),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `HTTP ${response.status}`;
  } catch (error) {
    return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
  }
}

function basic(webhook: Webhook): Record<string, string> {
  const { httpAuthenticationUsername: name, httpAuthenticationPassword: password } = webhook;
  if (name === undefined || password === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
}

/** FusionAuth's signature: a JWT whose one claim is the hash of the body, made with the webhook's own key. */
async function signature(store: Store, webhook: Webhook, body: string): Promise<Record<string, string>> {
  const { enabled, signingKeyId } = webhook.signatureConfiguration;
  if (!enabled) return {};
  const key = store.keys.get(signingKeyId ?? '');
  if (key === undefined) throw new Error('The signing key of the webhook is gone.');
  const material = await key.material();
  const jwt = await new SignJWT({
    request_body_sha256: createHash('sha256').update(body).digest('base64'),
  })
    .setProtectedHeader({ alg: key.algorithm, typ: 'JWT', kid: material.kid })
    .sign('secret' in material ? material.secret : material.private);
  return { 'x-fusionauth-signature-jwt': jwt };
}
