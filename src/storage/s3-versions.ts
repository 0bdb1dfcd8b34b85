import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import { DbadminError, reasonOf } from '../base/errors.ts';
import { s3ErrorOf, s3Failure } from './s3-failures.ts';
import { readingParameters } from './s3-headers.ts';
import type { LockTarget } from './s3-lock.ts';

/** One version of an object, or one marker that hides those before it. */
interface Version {
  readonly objectName: string;
  readonly versionId: string;
}

/**
 * Whether the bucket keeps versions, seen at one of the store's own objects: that needs no right of its own. False where there is
 * no object yet. Errors are the SDK's.
 */
export async function showsVersions({ client, place }: LockTarget, before: string): Promise<boolean> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: place.bucket, Prefix: before, MaxKeys: 1 }));
  const [object] = Contents;
  if (object?.Key === undefined) return false;
  try {
    const found = await client.send(new HeadObjectCommand({ Bucket: place.bucket, Key: object.Key, ...readingParameters(place) }));
    return found.VersionId !== undefined;
  } catch (error) {
    if (s3ErrorOf(error).status === 404) return false;
    throw error;
  }
}

/**
 * Removes every version and every marker of what begins with `prefix`, below `before`. `deleteShown` deletes what a listing shows,
 * and is all there is to do in a bucket without versions. Errors are the SDK's, or ours.
 *
 * @throws {DbadminError} `partly-done` when versions stay, or when nobody may know of them.
 */
export async function eraseVersions(target: LockTarget, prefix: string, before: string, deleteShown: () => Promise<void>): Promise<void> {
  // Asked before anything goes, since it may be the only object.
  const keepsVersions = await showsVersions(target, before);
  await deleteShown();
  let versions: readonly Version[];
  try {
    versions = await listVersions(target, before + prefix);
  } catch (error) {
    const { status } = s3ErrorOf(error);
    // Some servers know nothing of versions, and some policies nothing of this request.
    const isRefused = status !== undefined && (status < 500 || status === 501);
    if (!isRefused) throw error;
    if (!keepsVersions) return;
    throw leftOver(target, prefix, error, 'which versions the bucket keeps cannot be asked', 's3:ListBucketVersions');
  }
  for (const { objectName, versionId: VersionId } of versions) {
    try {
      await target.client.send(new DeleteObjectCommand({ Bucket: target.place.bucket, Key: objectName, VersionId }));
    } catch (error) {
      const { name, status } = s3ErrorOf(error);
      if (name === 'NoSuchKey' || name === 'NoSuchVersion') continue;
      if (status !== 403) throw error;
      throw leftOver(target, prefix, error, 'the bucket keeps versions of it that may not be deleted', 's3:DeleteObjectVersion');
    }
  }
}

function leftOver({ description }: LockTarget, prefix: string, error: unknown, what: string, right: string): DbadminError {
  const failure = s3Failure(description, `erasing ${prefix}`, error);
  return new DbadminError('partly-done', `${prefix} in ${description} may still be read by version: ${what}`, {
    detail: `What a listing shows is gone. These credentials lack a right: ${reasonOf(failure)}`,
    hint: `Remove its versions with credentials that have the right ${right}, or let a lifecycle rule of the bucket remove old ones.`,
    cause: error,
  });
}

async function listVersions({ client, place }: LockTarget, prefix: string): Promise<readonly Version[]> {
  const versions: Version[] = [];
  let marker: { readonly KeyMarker?: string | undefined; readonly VersionIdMarker?: string | undefined } | undefined = {};
  while (marker !== undefined) {
    const page: ListObjectVersionsCommandOutput = await client.send(
      new ListObjectVersionsCommand({ Bucket: place.bucket, Prefix: prefix, ...marker }),
    );
    // Markers come last: over what could not be deleted they stay.
    for (const { Key, VersionId } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]) {
      if (Key?.startsWith(prefix) === true && VersionId !== undefined) versions.push({ objectName: Key, versionId: VersionId });
    }
    marker = page.IsTruncated === true ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : undefined;
  }
  return versions;
}
