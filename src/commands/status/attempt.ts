import { isDbadminError, reasonOf, type ErrorCode } from '../../base/errors.ts';
import type { Known } from '../../status/facts.ts';

/** A secret that is wrong, or cannot be had; a customer key that is none; certificates that cannot be read. */
const SHUT: readonly ErrorCode[] = ['key-wrong', 'credentials-wrong', 'config-invalid', 'file-unreadable'];

/** What `work` gives, or why it fails, in one line. Being interrupted is thrown on. */
export async function attempt<Value>(work: () => Promise<Value>): Promise<Known<Value>> {
  try {
    return { kind: 'known', value: await work() };
  } catch (error) {
    if (isDbadminError(error, 'interrupted')) throw error;
    const isShut = isDbadminError(error) && SHUT.includes(error.code);
    return { kind: 'unknown', why: reasonOf(error), ...(isShut ? { isShut } : {}) };
  }
}
