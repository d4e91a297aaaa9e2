import { ProxyError } from '../errors.ts';

/** What the doctor says of one step. */
export interface Finding {
  /** Stable, kebab-case. */
  readonly step: string;
  readonly outcome: 'fine' | 'warning' | 'wrong';
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** A finding before it is known of which step it is. */
export type Verdict = Omit<Finding, 'step'>;

export const fine = (detail: string): Verdict => ({ outcome: 'fine', detail });
export const warning = (detail: string, remedy: string): Verdict => ({ outcome: 'warning', detail, remedy });
export const wrong = ({ message, remedy }: Pick<ProxyError, 'message' | 'remedy'>): Verdict => ({
  outcome: 'wrong',
  detail: message,
  remedy,
});

/** The finding of a check: its verdict, or what it threw. */
export async function check(step: string, verdict: () => Promise<Verdict> | Verdict): Promise<Finding> {
  try {
    return { step, ...(await verdict()) };
  } catch (error) {
    if (error instanceof ProxyError && error.code !== 'shutting-down') return { step, ...wrong(error) };
    throw error;
  }
}
