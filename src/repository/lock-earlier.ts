import { DbadminError, reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { BlobIndex } from './blob-index.ts';
import type { Repository } from './repository.ts';
import { lockUnlocked } from './unlocked-backups.ts';

export interface LockEarlierOptions {
  readonly systemIdentifier: string;
  /** The repository's, for people. */
  readonly name: string;
  /** What is done and stays so, as a sentence: for whoever interrupts this. */
  readonly done: string;
  /** What the run knows of the content already. */
  readonly index?: BlobIndex | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Locks the backups that a run before was killed too early to lock, and says so. To be called under the `backup` lease when all else is
 * done, which stays done whatever becomes of this: a failure is a warning, and the next run tries again.
 *
 * @throws {DbadminError} `interrupted`.
 */
export async function lockEarlier(
  repository: Repository,
  { systemIdentifier, name, done, index, log, signal }: LockEarlierOptions,
): Promise<void> {
  try {
    const { locked, broken } = await lockUnlocked(repository, systemIdentifier, { index, signal });
    for (const { label, until } of locked)
      log.warn(`${label} was left unlocked in ${name}, and is locked until ${until.toISOString()} now`);
    for (const { label, problem } of broken) log.warn(`${label} is not locked in ${name}, for it is not whole: ${problem}`);
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
    if (error.code === 'interrupted') {
      throw new DbadminError('interrupted', error.message, {
        detail: `${done} Backups that an earlier run left unlocked in ${name} may be so still: the next run locks them.`,
        cause: error,
      });
    }
    log.warn(`earlier backups in ${name} may be unlocked: ${reasonOf(error)}`);
  }
}
