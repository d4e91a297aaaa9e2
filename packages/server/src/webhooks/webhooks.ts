import { createHash } from 'node:crypto';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import express, {
  Router,
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import type { FusionAuth } from '../fusionauth.ts';
import { maxRequestBodySize } from '../limits/body-size.ts';
import { createLog } from '../log.ts';
import { observationOf, type Observation } from '../observation/observation.ts';
import { checkOption } from '../option-check.ts';
import { SharedStateUnavailable, type Revocations, type SharedState } from '../shared-state/shared-state.ts';
import { watchSigningKeys } from '../shared-state/signing-keys-watch.ts';
import { PublishedKeys } from '../token-verifier/published-keys.ts';
import { revocationOf, usedEvents } from './event-revocation.ts';
import { readEvent, type WebhookEvent } from './webhook-event.ts';
import { webhookSecret } from './webhook-options.ts';
import { WebhookRefused } from './webhook-refusal.ts';
import {
  signatureHeader,
  signedByPublishedKey,
  signedBySecret,
  type SignatureVerifier,
} from './webhook-signature.ts';

/** What {@link webhooks} needs. */
export interface WebhooksParts {
  /** The HMAC key that FusionAuth signs events with, at least 32 characters. Default: a key that it publishes. */
  readonly secret?: string | undefined;
  readonly fusionAuth: FusionAuth;
  /** The one that `protect` was given. */
  readonly sharedState: SharedState;
  /** Default: the log on stdout, and metrics that nobody reads. */
  readonly observation?: Observation | undefined;
  /** Seconds by which FusionAuth's clock and this one may differ. Default: 30. */
  readonly clockTolerance?: number | undefined;
}

/** Seconds after which an event is no longer taken. FusionAuth's further tries come within seconds. */
const oldest = 300;

/** Seconds after which FusionAuth may try again. */
const retryAfter = '1';

/**
 * Takes FusionAuth's webhooks at its root, where the app puts it: `jwt.refresh-token.revoke` and `user.deactivate` end the
 * access tokens that were issued until then, `jwt.public-key.update` has keys read anew, on every node. Other events get 200.
 *
 * An event is taken only with FusionAuth's signature over its body, and only while it is new. One that comes again, from
 * FusionAuth or from whoever recorded it, changes nothing: what it says is known.
 *
 * @throws ServerError `unusable-option` for a secret that is too short
 */
export function webhooks(parts: WebhooksParts): Router {
  const { observation = observationOf(createLog()), sharedState, clockTolerance = 30 } = parts;
  // Whoever guesses a short one, or an empty one, ends everybody's sign-ins.
  if (parts.secret !== undefined) checkOption('webhooks: secret', parts.secret, webhookSecret, true);
  const { revocations } = sharedState;
  const router = Router({ strict: true });
  router.all('/', (request, _response, next) => {
    if (request.method !== 'POST') throw new WebhookRefused('wrong-method');
    next();
  });
  router.post(
    '/',
    // The signature first: strangers' bodies are not read.
    signature(signatureVerifierOf(parts)),
    express.raw({ type: () => true, limit: maxRequestBodySize, inflate: false }),
    async (request: Request, response: Response<unknown, SignedLocals>) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      if (createHash('sha256').update(body).digest('base64') !== response.locals.bodyHash) {
        throw new WebhookRefused('altered-body');
      }
      const event = readEvent(body);
      const age = Date.now() / 1_000 - event.createInstant / 1_000;
      if (age > oldest + clockTolerance || age < -clockTolerance) {
        throw new WebhookRefused('stale', `${cleanLine(event.type, 60)}, ${Math.round(age)} s old`);
      }
      const outcome = await act(event, revocations, clockTolerance, observation);
      observation.metrics.webhookEvent({ event: labelOf(event), outcome });
      response.json({ outcome });
    },
  );
  router.use(refusal(observation));
  return router;
}

interface SignedLocals {
  bodyHash: string;
}

function signatureVerifierOf({ secret, fusionAuth, sharedState }: WebhooksParts): SignatureVerifier {
  if (secret !== undefined) return signedBySecret(secret);
  // FusionAuth has just sent an event, and may not send it again: it is there, whatever it was before.
  const keys = new PublishedKeys(fusionAuth, { isPatient: true });
  watchSigningKeys(sharedState.revocations, () => keys.forget());
  return signedByPublishedKey(keys);
}

function signature(
  verify: SignatureVerifier,
): RequestHandler<object, unknown, unknown, object, SignedLocals> {
  return async (request, response, next) => {
    const jwt = request.get(signatureHeader);
    if (jwt === undefined) throw new WebhookRefused('unsigned');
    response.locals.bodyHash = await verify(jwt);
    next();
  };
}

type Outcome = 'taken' | 'repeated' | 'ignored';

async function act(
  event: WebhookEvent,
  revocations: Revocations,
  clockTolerance: number,
  { log }: Observation,
): Promise<Outcome> {
  const fields = { event: cleanLine(event.type, 60), eventId: cleanLine(event.id, 60) };
  const revocation = revocationOf(event);
  if (revocation === undefined) {
    log.debug(fields, 'webhook event ignored');
    return 'ignored';
  }
  const { subject, before, until, user, clientId } = revocation;
  try {
    const outcome = isKnown(revocations, subject, before) ? 'repeated' : 'taken';
    await revocations.revoke(subject, before, until + clockTolerance);
    log.info({ ...fields, user, clientId, outcome }, 'webhook event taken');
    return outcome;
  } catch (error) {
    if (!(error instanceof SharedStateUnavailable)) throw error;
    throw new WebhookRefused('not-shared', error.message);
  }
}

/** A node that has not heard of the others yet knows of none. */
function isKnown(revocations: Revocations, subject: string, before: number): boolean {
  try {
    return revocations.isRevoked(subject, Math.floor(before));
  } catch (error) {
    if (error instanceof SharedStateUnavailable) return false;
    throw error;
  }
}

/** Of a fixed set of words, since it labels a metric. */
function labelOf({ type }: WebhookEvent): string {
  return usedEvents.find((used) => used === type) ?? 'other';
}

/** Answers what was not taken, with a status alone; why stands in the log. */
function refusal({ log, metrics }: Observation): ErrorRequestHandler {
  return (thrown: unknown, _request, response, next) => {
    const refused = thrown instanceof WebhookRefused ? thrown : unreadable(thrown);
    if (refused === undefined) {
      next(thrown);
      return;
    }
    const { reason, status, message } = refused;
    const entry = { reason, status, ...(message !== '' && { detail: message }) };
    if (status >= 500) log.error(entry, 'webhook refused');
    else log.warn(entry, 'webhook refused');
    metrics.webhookEvent({ event: 'unknown', outcome: reason });
    if (status === 503) response.set('Retry-After', retryAfter);
    if (status === 405) response.set('Allow', 'POST');
    // So that a body that nobody wants need not be read.
    response.set('Connection', 'close').status(status).json({ error: 'webhook_refused' });
  };
}

/** What body-parser throws: an error with a status of its own. */
function unreadable(thrown: unknown): WebhookRefused | undefined {
  const { status, message = '' } = (thrown ?? {}) as { status?: unknown; message?: string };
  if (status === 413) return new WebhookRefused('too-large', `more than ${maxRequestBodySize} bytes`);
  return typeof status === 'number' && status < 500
    ? new WebhookRefused('unreadable', cleanLine(message))
    : undefined;
}
