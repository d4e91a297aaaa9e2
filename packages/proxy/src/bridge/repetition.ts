/** Requests that change nothing at the server, or not more when they come twice: they may be sent again. */
const withoutEffect = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
  'logging/setLevel',
  'subscriptions/listen',
  'tasks/get',
  'tasks/list',
  'tasks/result',
]);

/**
 * Whether a request may be repeated when it is unknown what became of it. A tool's call may have had effects, and so may
 * whatever nobody here knows.
 */
export function mayRepeat(method: string | undefined): boolean {
  return method !== undefined && withoutEffect.has(method);
}

/** A gateway's word that the server behind it did not answer in time, or not usably. */
export function isGatewayFailure({ status }: { readonly status: number }): boolean {
  return status === 502 || status === 504;
}
