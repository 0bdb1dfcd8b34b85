import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import { DbadminError, isDbadminError, reasonOf } from '../base/errors.ts';
import { nextMarkers, type Markers } from './s3-answers.ts';
import { isRefusal, s3ErrorOf, s3Failure } from './s3-failures.ts';
import { readingParameters } from './s3-headers.ts';
import { hideObject, type LockTarget } from './s3-lock.ts';

/** One version of an object, or one marker that hides those before it. */
interface Version {
  readonly objectName: string;
  readonly versionId: string;
}

interface Versions {
  readonly versions: readonly Version[];
  readonly markers: readonly Version[];
}

/**
 * Whether the bucket keeps versions, seen at the first object below `before`: that needs no right of its own. False where there is
 * no object yet. It may be somebody else's, such as a folder that a console made: one that was not made with the customer key of the store
 * is looked at without, and where it has another it may have versions. Errors are the SDK's.
 */
export async function showsVersions({ client, place }: LockTarget, before: string): Promise<boolean> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: place.bucket, Prefix: before, MaxKeys: 1 }));
  const [object] = Contents;
  if (object?.Key === undefined) return false;
  const named = { Bucket: place.bucket, Key: object.Key };
  for (const reading of [readingParameters(place), {}]) {
    try {
      return (await client.send(new HeadObjectCommand({ ...named, ...reading }))).VersionId !== undefined;
    } catch (error) {
      const { status } = s3ErrorOf(error);
      if (status === 404) return false;
      // 400: not made with a customer key, or with one where none was given; 403: with another one, or no right, which is said without the key, too.
      if (status !== 400 && (status !== 403 || Object.keys(reading).length === 0)) throw error;
    }
  }
  return true;
}

/** What a listing shows, and how one of it is deleted. */
export interface Shown {
  readonly keys: () => AsyncIterable<string>;
  readonly remove: (key: string) => Promise<void>;
}

/**
 * Removes every version and every marker of what begins with `prefix`, below `before`. Deleting what is shown is all there is to do in a
 * bucket without versions. What is locked is hidden, and the rest goes all the same. Errors are the SDK's, or ours.
 *
 * @throws {DbadminError} `partly-done` when versions stay, or when nobody may know of them.
 */
export async function eraseVersions(target: LockTarget, prefix: string, before: string, shown: Shown): Promise<void> {
  // Asked before anything goes, since it may be the only object.
  const keepsVersions = await showsVersions(target, before);
  for await (const key of shown.keys()) {
    try {
      await shown.remove(key);
    } catch (error) {
      if (!isDbadminError(error, 'storage-locked') && !isDbadminError(error, 'storage-denied')) throw error;
      await hideObject(target, before + key);
    }
  }
  let found: Versions;
  try {
    found = await listVersions(target, before + prefix);
  } catch (error) {
    const { status } = s3ErrorOf(error);
    // Some servers know nothing of versions, and some policies nothing of this request.
    const isRefused = status !== undefined && (status < 500 || status === 501);
    if (!isRefused) throw error;
    if (!keepsVersions) return;
    throw leftOver(target, prefix, error, 'which versions the bucket keeps cannot be asked', {
      hint: 'Remove its versions with credentials that have the right s3:ListBucketVersions, or let a lifecycle rule of the bucket remove old ones.',
    });
  }
  const refusals: unknown[] = [];
  const stuck = new Set<string>();
  const remove = async (version: Version): Promise<void> => {
    const refusal = await removeVersion(target, version);
    if (refusal === undefined) return;
    refusals.push(refusal);
    stuck.add(version.objectName);
  };
  for (const version of found.versions) await remove(version);
  // Over what could not be deleted they stay, or it would be shown again.
  for (const marker of found.markers) if (!stuck.has(marker.objectName)) await remove(marker);
  if (refusals.length === 0) return;
  throw leftOver(target, prefix, refusals[0], 'the bucket keeps versions of it that may not be deleted', {
    hint: 'If they are locked, or held, run the same again when that has ended. If not, remove them with credentials that have the right s3:DeleteObjectVersion, or let a lifecycle rule of the bucket remove old ones.',
  });
}

/** Gives the refusal where it may not be deleted. */
async function removeVersion({ client, place }: LockTarget, { objectName, versionId: VersionId }: Version): Promise<unknown> {
  try {
    await client.send(new DeleteObjectCommand({ Bucket: place.bucket, Key: objectName, VersionId }));
    return undefined;
  } catch (error) {
    const { name } = s3ErrorOf(error);
    if (name === 'NoSuchKey' || name === 'NoSuchVersion') return undefined;
    if (!isRefusal(error)) throw error;
    return error;
  }
}

function leftOver(
  { description }: LockTarget,
  prefix: string,
  error: unknown,
  what: string,
  { hint }: { readonly hint: string },
): DbadminError {
  const failure = s3Failure(description, `erasing ${prefix}`, error);
  return new DbadminError('partly-done', `${prefix} in ${description} may still be read by version: ${what}`, {
    detail: `What a listing shows is gone. A request was refused: ${reasonOf(failure)}`,
    hint,
    cause: error,
  });
}

async function listVersions({ client, place, description }: LockTarget, prefix: string): Promise<Versions> {
  const versions: Version[] = [];
  const markers: Version[] = [];
  let from: Markers | undefined = [];
  const below = (
    listed: readonly { readonly Key?: string | undefined; readonly VersionId?: string | undefined }[] = [],
  ): readonly Version[] =>
    listed.flatMap(({ Key, VersionId }) =>
      Key?.startsWith(prefix) === true && VersionId !== undefined ? [{ objectName: Key, versionId: VersionId }] : [],
    );
  while (from !== undefined) {
    const [KeyMarker, VersionIdMarker]: Markers = from;
    const page: ListObjectVersionsCommandOutput = await client.send(
      new ListObjectVersionsCommand({ Bucket: place.bucket, Prefix: prefix, KeyMarker, VersionIdMarker }),
    );
    versions.push(...below(page.Versions));
    markers.push(...below(page.DeleteMarkers));
    from = nextMarkers(description, page.IsTruncated, from, [page.NextKeyMarker, page.NextVersionIdMarker]);
  }
  return { versions, markers };
}
