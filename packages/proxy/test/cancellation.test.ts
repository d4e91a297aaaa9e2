import { describe, expect, it } from 'vitest';
import { Cancellation } from '../src/cancellation.ts';
import { pause } from '../src/pause.ts';

describe('a cancellation', () => {
  it('tells each listener once, in order, and keeps the first reason', () => {
    const cancellation = new Cancellation();
    const heard: string[] = [];
    const twice = (): number => heard.push('first');
    cancellation.addEventListener('abort', twice);
    cancellation.addEventListener('abort', twice);
    cancellation.addEventListener('abort', () => heard.push('second'));
    const reason = new Error('enough');
    cancellation.abort(reason);
    cancellation.abort(new Error('too late'));
    expect(heard).toEqual(['first', 'second']);
    expect(cancellation).toMatchObject({ aborted: true, reason });
    expect(() => {
      cancellation.throwIfAborted();
    }).toThrow(reason);
  });

  it('tells nobody who has left, also when another listener makes him leave, or who comes after the end', () => {
    const cancellation = new Cancellation();
    const heard: string[] = [];
    const gone = (): number => heard.push('gone');
    cancellation.addEventListener('abort', gone);
    cancellation.removeEventListener('abort', gone);
    cancellation.addEventListener('abort', () => {
      cancellation.removeEventListener('abort', gone);
    });
    cancellation.addEventListener('abort', gone);
    cancellation.abort();
    cancellation.addEventListener('abort', () => heard.push('late'));
    expect(heard).toEqual([]);
    expect(cancellation.reason).toBeInstanceOf(Error);
  });

  it('ends a pause with its reason, at once', async () => {
    const cancellation = new Cancellation();
    const paused = pause(60_000, cancellation.signal);
    const reason = new Error('enough');
    cancellation.abort(reason);
    await expect(paused).rejects.toBe(reason);
    await expect(pause(60_000, cancellation.signal)).rejects.toBe(reason);
  });
});
