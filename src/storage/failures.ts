import { DbadminError } from '../base/errors.ts';

/** The failures that every store has, in one wording. `at` is the store's description. */

export function missingObject(at: string, key: string, cause?: unknown): DbadminError {
  return new DbadminError('storage-missing', `object ${key} is not in ${at}`, { cause });
}

export function existingObject(at: string, key: string, cause?: unknown): DbadminError {
  return new DbadminError('storage-exists', `object ${key} is already in ${at}`, { cause });
}

export function shortObject(at: string, key: string, gotBytes: number, wantedBytes: number): DbadminError {
  return new DbadminError('storage-failed', `object ${key} in ${at} ended early`, {
    detail: `${gotBytes} bytes came where ${wantedBytes} were expected.`,
  });
}

/** The stream of a create that had another length than was said. */
export function wrongLength(at: string, key: string, gotBytes: number, saidBytes: number): DbadminError {
  return new DbadminError('storage-failed', `object ${key} was not written to ${at}`, {
    detail: `Its content has ${gotBytes} bytes where ${saidBytes} were announced.`,
  });
}

/** A delete that was not tried, or was refused, because of a lock; `until` is undefined when somebody else has to lift it. */
export function lockedObject(at: string, key: string, until: Date | undefined, cause?: unknown): DbadminError {
  return new DbadminError('storage-locked', `object ${key} in ${at} is locked`, {
    detail: until === undefined ? 'A legal hold is on it.' : `It cannot be deleted before ${until.toISOString()}.`,
    hint: until === undefined ? 'Whoever placed the hold can lift it.' : 'Nothing has to be done: it can go when its lock has ended.',
    cause,
  });
}

/** A lock was asked for where there are none. */
export function lockUnsupported(at: string): DbadminError {
  return new DbadminError('storage-unsupported', `${at} cannot lock objects`, {
    hint: 'Locks need an S3 bucket made with Object Lock; take object_lock out of the configuration of others.',
  });
}
