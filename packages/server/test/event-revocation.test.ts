import { describe, expect, it } from 'vitest';
import { revocationOf } from '../src/webhooks/event-revocation.ts';

const day = 86_400;
const event = (type: string, fields: Record<string, unknown>): Parameters<typeof revocationOf>[0] => ({
  type,
  id: 'event',
  createInstant: 1_000_500,
  fields,
});

describe('what an event revokes', () => {
  it.each<[string, Record<string, unknown>, string, number]>([
    [
      'the user with the application, for as long as its tokens live',
      {
        userId: 'u',
        applicationId: 'a',
        applicationTimeToLiveInSeconds: { a: 600, b: 90_000 },
      },
      'user:u client:a',
      600,
    ],
    [
      'the application',
      { applicationId: 'a', applicationTimeToLiveInSeconds: { a: 7_200 } },
      'client:a',
      7_200,
    ],
    [
      'the user everywhere, for a day, since not all applications may be named',
      { userId: 'u', applicationTimeToLiveInSeconds: { a: 600 } },
      'user:u',
      day,
    ],
    [
      'the user everywhere, for longer when tokens live longer',
      { userId: 'u', applicationTimeToLiveInSeconds: { a: 600, b: 90_000 } },
      'user:u',
      90_000,
    ],
    ['for a day when it does not say how long tokens live', { applicationId: 'a' }, 'client:a', day],
    [
      'for a day when what it says is no time',
      { applicationId: 'a', applicationTimeToLiveInSeconds: { a: 'long' } },
      'client:a',
      day,
    ],
  ])('jwt.refresh-token.revoke: %s', (_name, fields, subject, lifetime) => {
    expect(revocationOf(event('jwt.refresh-token.revoke', fields))).toMatchObject({
      subject,
      before: 1_000.5,
      until: 1_000.5 + lifetime,
    });
  });

  it('user.deactivate: the user everywhere, for a day', () => {
    expect(revocationOf(event('user.deactivate', { user: { id: 'u' } }))).toMatchObject({
      subject: 'user:u',
      before: 1_000.5,
      until: 1_000.5 + day,
    });
  });

  it('any other event: nothing', () => {
    expect(revocationOf(event('user.reactivate', { user: { id: 'u' } }))).toBeUndefined();
  });

  it.each([
    ['jwt.refresh-token.revoke', {}],
    ['jwt.refresh-token.revoke', { userId: '', applicationId: 7 }],
    ['user.deactivate', {}],
    ['user.deactivate', { user: [] }],
    ['user.deactivate', { user: { id: null } }],
  ])('%s with %o is refused: it is about nobody', (type, fields) => {
    expect(() => revocationOf(event(type, fields))).toThrow(
      expect.objectContaining({ reason: 'not-an-event', status: 400 }) as Error,
    );
  });
});
