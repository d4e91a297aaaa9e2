/** Why a request to the webhook endpoint was not taken. For the log; the wire learns the status only. */
export type WebhookRefusal =
  | 'unsigned'
  | 'wrong-signature'
  | 'altered-body'
  | 'stale'
  | 'not-an-event'
  | 'unreadable'
  | 'too-large'
  | 'wrong-method'
  | 'keys-unknown'
  | 'not-shared';

/** A 4xx that no further try can mend, or a 503, after which FusionAuth may try again. */
const statuses: Readonly<Record<WebhookRefusal, number>> = {
  unsigned: 403,
  'wrong-signature': 403,
  'altered-body': 403,
  stale: 403,
  'not-an-event': 400,
  unreadable: 400,
  'too-large': 413,
  'wrong-method': 405,
  'keys-unknown': 503,
  'not-shared': 503,
};

/** A request that is not an event of FusionAuth, or that cannot be acted on now. */
export class WebhookRefused extends Error {
  override readonly name = 'WebhookRefused';
  readonly reason: WebhookRefusal;
  readonly status: number;

  /** @param detail what an operator would want to know beside the reason */
  constructor(reason: WebhookRefusal, detail = '') {
    super(detail);
    this.reason = reason;
    this.status = statuses[reason];
  }
}
