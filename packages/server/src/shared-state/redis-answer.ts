import { SharedStateUnavailable } from './shared-state.ts';

/** What Redis answers. @throws SharedStateUnavailable when it does not, or refuses (no memory left, for one) */
export async function orUnavailable<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    throw new SharedStateUnavailable('Redis does not answer', { cause: error });
  }
}
