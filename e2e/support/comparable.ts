import type { Recorded } from './recording.ts';

/** What differs from one run of the same conversation to the next. */
const inherent: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gu, '<uuid>'],
  [/\b[0-9a-f]{32}\b/gu, '<task>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/gu, '<instant>'],
  [/\b\d{1,2}:\d\d:\d\d\s[AP]M/gu, '<time of day>'],
  // The simulated log draws its level.
  [/"level":"\w+","data":"\w+[- ]level[- ]message/gu, '"level":"<drawn>","data":"<drawn>'],
  [/\\"PORT\\": \\"\d+\\"/gu, '\\"PORT\\": \\"<port>\\"'],
];

/** A message as far as it has to be the same in every run. */
export function comparable({ from, message }: Recorded): unknown {
  const text = JSON.stringify(message).replace(/"blob":"([\w+/=]+)"/gu, (whole, blob: string) => {
    const decoded = Buffer.from(blob, 'base64').toString();
    return decoded.includes('created at') ? `"blob":${JSON.stringify(decoded)}` : whole;
  });
  const same = inherent.reduce((rest, [pattern, name]) => rest.replace(pattern, name), text);
  return { from, message: JSON.parse(same) as unknown };
}

const ofItsOwnAccord = /^notifications\/(?:message|resources\/updated|\w+\/list_changed|tasks\/status)$/u;

/**
 * Divides a recording into its two streams, between which there is no order: what belongs to the requests, and what the
 * server sends of its own accord.
 */
export function streams(all: readonly Recorded[]): {
  readonly conversation: readonly Recorded[];
  readonly announcements: readonly Recorded[];
} {
  const isAnnouncement = ({ from, message }: Recorded): boolean =>
    from === 'server' && 'method' in message && ofItsOwnAccord.test(message.method);
  return {
    conversation: all.filter((recorded) => !isAnnouncement(recorded)),
    announcements: all.filter(isAnnouncement),
  };
}
