import { isDbadminError, reasonOf } from '../../base/errors.ts';
import type { Known } from '../../status/facts.ts';

/** What `work` gives, or why it fails, in one line. Being interrupted is thrown on. */
export async function attempt<Value>(work: () => Promise<Value>): Promise<Known<Value>> {
  try {
    return { kind: 'known', value: await work() };
  } catch (error) {
    if (isDbadminError(error, 'interrupted')) throw error;
    return { kind: 'unknown', why: reasonOf(error) };
  }
}
