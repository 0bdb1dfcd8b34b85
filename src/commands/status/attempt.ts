import { DbadminError } from '../../base/errors.ts';
import type { Known } from '../../status/facts.ts';

/** What `work` gives, or why it fails, in one line. Being interrupted is thrown on. */
export async function attempt<Value>(work: () => Promise<Value>): Promise<Known<Value>> {
  try {
    return { kind: 'known', value: await work() };
  } catch (error) {
    return { kind: 'unknown', why: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof DbadminError) {
    if (error.code === 'interrupted') throw error;
    const detail = error.detail?.split('\n', 1)[0];
    return detail === undefined || detail === '' ? error.message : `${error.message} (${detail.replace(/\.$/, '')})`;
  }
  // What the driver says of a connection that broke in the middle is no fault of ours.
  if (error instanceof Error) return error.message;
  return String(error);
}
