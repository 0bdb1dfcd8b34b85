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
