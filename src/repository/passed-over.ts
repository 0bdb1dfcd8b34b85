import { isDbadminError, type DbadminError, type ErrorCode } from '../base/errors.ts';
import { damaged } from './envelope.ts';
import type { Repository } from './repository.ts';
import { explainUnread } from './unreadable.ts';

/** An object that could not be read: what it would have said is not known, and the others are as good as without it. */
export interface DamagedObject {
  readonly key: string;
  readonly error: DbadminError;
}

/** What is wrong with one object, and says nothing of the others: one bit can make it one of a newer version, or an encrypted one. */
const OF_ONE_OBJECT: readonly ErrorCode[] = ['repository-damaged', 'repository-format', 'lsn-invalid', 'key-wrong'];

/**
 * What `read` gives; undefined when the object is gone since it was listed. One that is damaged, or that the storage has and cannot read, is told to the repository's
 * `onDamaged` and noted in `noted`: whoever can write one object must not be able to keep all others from being used.
 */
export async function readOr<Result>(
  repository: Pick<Repository, 'onDamaged' | 'store'>,
  key: string,
  noted: DamagedObject[],
  read: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await read();
  } catch (caught) {
    const error = await explainUnread(repository.store, key, caught);
    if (isDbadminError(error, 'storage-missing')) return undefined;
    if (!isOfOneObject(error)) throw error;
    const found = { key, error: asDamage(key, error) };
    noted.push(found);
    repository.onDamaged?.(found);
    return undefined;
  }
}

/** Whether an error that came from reading one object concerns it alone. */
export function isOfOneObject(error: unknown): error is DbadminError {
  return OF_ONE_OBJECT.some((code) => isDbadminError(error, code));
}

function asDamage(key: string, error: DbadminError): DbadminError {
  if (error.code === 'lsn-invalid') return damaged(key, 'A WAL position in it is none.', error);
  if (error.code === 'key-wrong') return damaged(key, 'It is encrypted, and not with the key of this repository.', error);
  return error;
}
