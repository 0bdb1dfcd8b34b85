import {
  DeleteObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { DbadminError, messageOf } from '../base/errors.ts';
import { lockedObject, missingObject } from './failures.ts';
import { LOCK_TRIAL_PREFIX } from './keys.ts';
import type { S3Place } from './s3-client.ts';
import { isRefusal, s3ErrorOf, s3Failure } from './s3-failures.ts';
import { lockModeOf, readingParameters } from './s3-headers.ts';
import type { LockOutcome, LockSupport } from './store.ts';

/** How far two clocks may be apart before a refusal is taken for something else than a lock. */
const CLOCKS_APART_MS = 86_400_000;
const DAYS_PER_YEAR = 365;

export interface LockTarget {
  readonly client: S3Client;
  readonly place: S3Place;
  readonly description: string;
}

interface Lock {
  readonly versionId: string | undefined;
  readonly until: Date | undefined;
  readonly mode: 'COMPLIANCE' | 'GOVERNANCE' | undefined;
  readonly isHeld: boolean;
}

/**
 * `plainly`: a plain delete is all that can be done, since the bucket keeps no versions; for others it is the same. `refused`: the object is
 * hidden, since the version may not be deleted, for want of the right or for a lock that may not be seen.
 */
export type DeleteOutcome = 'deleted' | 'absent' | 'plainly' | 'refused';

/**
 * Deletes an object for good: a bucket with Object Lock keeps versions, and many others do, where a plain delete would only put
 * a marker over one that is paid for and can be read as before. So the version is named, and a locked one is not asked for, but for one
 * that was made to see whether the server keeps to what it shows.
 *
 * Where no locks are configured, nobody waits for one: a bucket may lock by itself, and policies may know nothing of versions. What may not
 * be deleted there is hidden, as all deletes once did. Whoever has to know that something is gone erases it (s3-versions.ts). Errors are
 * the SDK's, or ours.
 */
export async function deleteVersion(target: LockTarget, key: string, objectName: string, now: Date): Promise<DeleteOutcome> {
  const { client, place, description } = target;
  const isPlain = place.lockMode === undefined;
  const lock = await readLock(target, objectName);
  if (lock === undefined) return 'absent';
  const isTrial = key.startsWith(LOCK_TRIAL_PREFIX) && !isPlain && lock.versionId !== undefined;
  if (!isTrial && (lock.isHeld || (lock.until !== undefined && lock.until > now))) {
    if (!isPlain) throw lockedObject(description, key, lock.isHeld ? undefined : lock.until);
    await hideObject(target, objectName);
    return 'deleted';
  }
  try {
    const { versionId: VersionId } = lock;
    await client.send(
      new DeleteObjectCommand({ Bucket: place.bucket, Key: objectName, ...(VersionId === undefined ? {} : { VersionId }) }),
    );
  } catch (error) {
    const { name } = s3ErrorOf(error);
    if (name === 'NoSuchKey' || name === 'NoSuchVersion') return 'deleted';
    // Another writer may have extended the lock since, or the server's clock says otherwise.
    const seen = isRefusal(error) ? await readLock(target, objectName) : undefined;
    if (seen === undefined) throw error;
    if (isPlain) {
      if (lock.versionId === undefined) throw error;
      await hideObject(target, objectName);
      // MinIO's 400 is of a lock, and so of this object alone.
      return s3ErrorOf(error).status === 403 && seen.until === undefined && !seen.isHeld ? 'refused' : 'deleted';
    }
    if (seen.isHeld) throw lockedObject(description, key, undefined, error);
    if (seen.until === undefined) throw refusedDelete(description, key, error);
    if (seen.until.getTime() > now.getTime() - CLOCKS_APART_MS) throw lockedObject(description, key, seen.until, error);
    throw error;
  }
  return isPlain && lock.versionId === undefined ? 'plainly' : 'deleted';
}

/** A plain delete: in a bucket that keeps versions it puts a marker over the object, and no lock stands against that. Errors are the SDK's. */
export async function hideObject({ client, place }: LockTarget, objectName: string): Promise<void> {
  try {
    await client.send(new DeleteObjectCommand({ Bucket: place.bucket, Key: objectName }));
  } catch (error) {
    if (s3ErrorOf(error).name !== 'NoSuchKey') throw error;
  }
}

/** No lock is shown, and still the delete is refused: S3 shows locks to those only who may see them. */
function refusedDelete(description: string, key: string, cause: unknown): DbadminError {
  return new DbadminError('storage-denied', `${description} denies access: deleting ${key}`, {
    detail: `The server answered: ${messageOf(cause)}`,
    hint: 'The policy may lack s3:DeleteObjectVersion; or a lock is on the object that the policy does not let these credentials see (s3:GetObjectRetention, s3:GetObjectLegalHold): dbadmin repository iam-policy prints the whole policy.',
    cause,
  });
}

/** Whether a lock of `mode` can be lifted by some, and one that nobody can lift is configured. */
export function isLesserMode(mode: string | undefined, place: S3Place): boolean {
  return mode === 'GOVERNANCE' && place.lockMode === 'compliance';
}

/**
 * Sets a lock that reaches further, or is of the configured mode where that one is stricter. Whether those without the right to lift a
 * governance lock may make a compliance lock of it differs among servers. Errors are the SDK's, or ours.
 */
export async function extendVersionLock(target: LockTarget, key: string, objectName: string, until: Date): Promise<LockOutcome> {
  const { client, place, description } = target;
  const lock = await readLock(target, objectName);
  if (lock === undefined) throw missingObject(description, key);
  const isLongEnough = lock.until !== undefined && lock.until >= until;
  const isLesser = isLesserMode(lock.mode, place);
  if (isLongEnough && !isLesser) return 'kept';
  const put = async (Mode: 'COMPLIANCE' | 'GOVERNANCE', RetainUntilDate: Date): Promise<void> => {
    await client.send(
      new PutObjectRetentionCommand({
        Bucket: place.bucket,
        Key: objectName,
        ...(lock.versionId === undefined ? {} : { VersionId: lock.versionId }),
        Retention: { Mode, RetainUntilDate },
      }),
    );
  };
  if (isLesser) {
    try {
      await put(lockModeOf(place), isLongEnough ? (lock.until ?? until) : until);
      return 'extended';
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (!isLongEnough) await put('GOVERNANCE', until);
      return 'lesser';
    }
  }
  try {
    // A compliance lock stays one: a lesser mode would be refused.
    await put(lock.mode ?? lockModeOf(place), until);
    return 'extended';
  } catch (error) {
    // Another writer may have extended it further since: then it would have become shorter, and that is refused.
    const seen = isRefusal(error) ? await readLock(target, objectName) : undefined;
    if (seen?.until === undefined || seen.until < until || isLesserMode(seen.mode, place)) throw error;
    return 'kept';
  }
}

/**
 * Locks an object that was made with a lock and does not show it: some servers take the headers of large objects and forget
 * them. Errors are the SDK's, or ours.
 */
export async function insistOnLock(target: LockTarget, key: string, objectName: string, until: Date): Promise<void> {
  await extendVersionLock(target, key, objectName, until);
  const lockedUntil = (await readLock(target, objectName))?.until;
  if (lockedUntil !== undefined && lockedUntil >= until) return;
  throw new DbadminError('storage-unsupported', `${target.description} does not lock object ${key}`, {
    detail: `A lock until ${until.toISOString()} was confirmed, and ${lockedUntil === undefined ? 'none' : `one until ${lockedUntil.toISOString()}`} is there.`,
    hint: 'Check that the bucket was made with Object Lock, and that the credentials may see locks (s3:GetObjectRetention).',
  });
}

async function readLock({ client, place }: LockTarget, objectName: string): Promise<Lock | undefined> {
  try {
    const found = await client.send(new HeadObjectCommand({ Bucket: place.bucket, Key: objectName, ...readingParameters(place) }));
    return {
      versionId: found.VersionId,
      until: found.ObjectLockRetainUntilDate,
      mode: found.ObjectLockMode,
      isHeld: found.ObjectLockLegalHoldStatus === 'ON',
    };
  } catch (error) {
    if (s3ErrorOf(error).status === 404) return undefined;
    throw error;
  }
}

/** What the bucket says of Object Lock. */
export async function bucketLocks({ client, place, description }: LockTarget): Promise<LockSupport> {
  try {
    const { ObjectLockConfiguration: found } = await client.send(new GetObjectLockConfigurationCommand({ Bucket: place.bucket }));
    if (found?.ObjectLockEnabled !== 'Enabled') return { kind: 'none' };
    const { Days, Years } = found.Rule?.DefaultRetention ?? {};
    const defaultDays = Days ?? (Years === undefined ? undefined : Years * DAYS_PER_YEAR);
    return { kind: 'per-object', defaultDays, keepsVersions: true };
  } catch (error) {
    const { name, status } = s3ErrorOf(error);
    if (name === 'NoSuchBucket') throw s3Failure(description, 'asking for locks', error);
    if (name === 'ObjectLockConfigurationNotFoundError' || status === 404) return { kind: 'none' };
    if (status === 403) return { kind: 'unknown', detail: 'The credentials may not ask for it (s3:GetBucketObjectLockConfiguration).' };
    if (status === 501 || name === 'NotImplemented' || name === 'MethodNotAllowed') return { kind: 'none' };
    throw s3Failure(description, 'asking for locks', error);
  }
}
