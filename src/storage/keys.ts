import { randomBytes } from 'node:crypto';
import { DbadminError } from '../base/errors.ts';

const MAXIMUM_KEY_BYTES = 700;
/** Leaves room in the 255 bytes of a file name for what a temporary name adds. */
const MAXIMUM_PART_BYTES = 200;
const PART = /^[A-Za-z0-9._=-]+$/;

/** What a temporary file's name ends in; no part of a key may. */
const TEMPORARY_SUFFIX = '.tmp';
const TEMPORARY = /\.[0-9a-f]{16}\.tmp$/;

/** A name for the file of an object while it is made. */
export function temporaryName(file: string): string {
  return `${file}.${randomBytes(8).toString('hex')}${TEMPORARY_SUFFIX}`;
}

/** Whether a file has a name that {@link temporaryName} gives: others end in `.tmp`, too, and are somebody's. */
export function isTemporary(file: string): boolean {
  return TEMPORARY.test(file);
}

/** Whether `key` has the form that {@link ObjectStore} describes. */
export function isKey(key: string): boolean {
  return key.length <= MAXIMUM_KEY_BYTES && key.split('/').every(isPart);
}

/**
 * Refuses a key of another form, so that no store is asked to leave its root or to lose an object among temporary files.
 *
 * @throws {DbadminError} `internal`: keys are made by our own code.
 */
export function checkKey(key: string): void {
  if (!isKey(key)) throw new DbadminError('internal', `"${key}" is not the key of an object`);
}

/**
 * Refuses a prefix that no key can begin with. The empty prefix is every key's.
 *
 * @throws {DbadminError} `internal`
 */
export function checkPrefix(prefix: string): void {
  const parts = prefix.split('/');
  const last = parts.pop() ?? '';
  if (parts.every(isPart) && (last === '' || PART.test(last))) return;
  throw new DbadminError('internal', `"${prefix}" is not the beginning of a key`);
}

/** Refuses a range that is not of whole, non-negative numbers. */
export function checkRange(key: string, offsetBytes: number, lengthBytes: number): void {
  if (Number.isSafeInteger(offsetBytes) && offsetBytes >= 0 && Number.isSafeInteger(lengthBytes) && lengthBytes >= 0) return;
  throw new DbadminError('internal', `${offsetBytes}+${lengthBytes} is not a range of ${key}`);
}

function isPart(part: string): boolean {
  return PART.test(part) && part.length <= MAXIMUM_PART_BYTES && part !== '.' && part !== '..' && !part.endsWith(TEMPORARY_SUFFIX);
}

/**
 * Objects under it are made to see whether a lock holds: the server is asked to delete one that shows a lock, which is never asked for another.
 */
export const LOCK_TRIAL_PREFIX = 'check-lock-';
