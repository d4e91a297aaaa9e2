import { InvalidValue, valueOption, type OptionValues } from '@mcp-keyhole/cli-kit';

/** The options about FusionAuth's events. */
export const webhookOptions = {
  webhookPath: valueOption({
    flag: 'webhook-path',
    env: 'WEBHOOK_PATH',
    placeholder: 'PATH',
    help: 'Where FusionAuth sends its events, such as /webhooks/fusionauth [none: they are not taken]',
    parse: webhookPath,
    fallback: undefined,
  }),
  webhookSecret: valueOption({
    flag: 'webhook-secret',
    env: 'WEBHOOK_SECRET',
    placeholder: 'SECRET',
    help: "The webhook's HMAC key; without, events must be signed by a key that FusionAuth publishes [none]",
    secret: true,
    parse: webhookSecret,
    fallback: undefined,
  }),
};

/** How FusionAuth's events reach the server. */
export interface WebhookConfig {
  /** Undefined: no events are taken. */
  readonly webhookPath: string | undefined;
  /** The HMAC key that signs them. Undefined: a key that FusionAuth publishes does. */
  readonly webhookSecret: string | undefined;
}

export function webhookConfigOf(values: OptionValues<typeof webhookOptions>): WebhookConfig {
  const { webhookPath: path, webhookSecret: secret } = values;
  return { webhookPath: path, webhookSecret: secret };
}

/** What the server has there already. */
const taken = ['/mcp', '/healthz', '/readyz', '/.well-known'];

function webhookPath(raw: string): string {
  if (!/^(?:\/[\w.~-]+)+$/u.test(raw)) {
    throw new InvalidValue('it is a path, such as /webhooks/fusionauth');
  }
  const other = taken.find((path) => raw === path || raw.startsWith(`${path}/`));
  if (other !== undefined) throw new InvalidValue(`${other} is served already; take /webhooks/fusionauth`);
  return raw;
}

/** RFC 7518, section 3.2: a key for HS256 is no shorter than the hash. */
export function webhookSecret(raw: string): string {
  if (Buffer.byteLength(raw) < 32) {
    throw new InvalidValue(
      'it has at least 32 characters: let FusionAuth generate it (Settings, Key Master)',
    );
  }
  return raw;
}
