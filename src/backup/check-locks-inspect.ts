import { randomBytes } from 'node:crypto';
import { DbadminError, isDbadminError } from '../base/errors.ts';
import { LOCK_TRIAL_PREFIX } from '../storage/keys.ts';
import { placeNow } from '../storage/place-clock.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { Finding } from './check/finding.ts';

/** Long enough for a server whose clock is a little ahead. */
const TRIAL_MS = 60_000;

/**
 * Tries whether the place locks what is to be locked, and nothing else. A lock that the bucket puts on everything is a
 * problem even where none is configured: partial WAL and leases could not be removed, and pile up.
 */
export async function checkLocks(what: string, store: ObjectStore): Promise<readonly Finding[]> {
  const support = await store.lockSupport();
  const { lockDays } = store.capabilities;
  const problem = (detail: string, fix: string): readonly Finding[] => [{ what: `${what} lock`, state: 'problem', detail, fix }];
  if (support.kind === 'per-object' && support.defaultDays !== undefined) {
    return problem(
      `the bucket locks every object for ${support.defaultDays} days by default: what has to go soon (partial WAL, leases) cannot`,
      'Take the default retention off the bucket and leave Object Lock on; give object_lock in dbadmin.yaml, and each object is locked by itself.',
    );
  }
  if (lockDays === undefined) {
    return support.kind !== 'unknown' && support.keepsVersions === true ? [versionsFinding(what)] : [];
  }
  if (support.kind === 'none') {
    return problem(
      'object_lock is configured, and the bucket has no Object Lock',
      'Object Lock is given to a bucket when it is made, or turned on later where the provider offers that.',
    );
  }
  try {
    await tryLock(store);
  } catch (error) {
    if (!(error instanceof DbadminError)) throw error;
    return problem(error.detail === undefined ? error.message : `${error.message}. ${error.detail}`, error.hint ?? 'Make locks possible.');
  }
  return [
    { what: `${what} lock`, state: 'ok', detail: `what is to be kept is locked for ${lockDays} days from its last use`, fix: undefined },
  ];
}

/** Without locks, versions are somebody else's safeguard: what they cost and hide has to be known, and is no fault. */
function versionsFinding(what: string): Finding {
  return {
    what: `${what} versions`,
    state: 'note',
    detail:
      'the bucket keeps versions, and no locks are configured: what is deleted without the right s3:DeleteObjectVersion stays there, hidden, and is paid for',
    fix: 'Use the policies of dbadmin repository iam-policy, and let a lifecycle rule of the bucket remove old versions after a few days.',
  };
}

/** Makes a locked object and finds that it cannot be deleted. It stays for the next check to remove. */
async function tryLock(store: ObjectStore): Promise<void> {
  const earlier: string[] = [];
  for await (const object of store.list(LOCK_TRIAL_PREFIX)) earlier.push(object.key);
  for (const key of earlier) await store.delete(key).catch(() => undefined);
  const key = LOCK_TRIAL_PREFIX + randomBytes(8).toString('hex');
  await store.create(key, randomBytes(64), { lockUntil: new Date(placeNow(store, new Date()).getTime() + TRIAL_MS) });
  try {
    await store.delete(key);
  } catch (error) {
    if (isDbadminError(error, 'storage-locked')) return;
    throw error;
  }
  throw new DbadminError('storage-unsupported', `${store.description} deletes an object that is locked`, {
    detail: 'It takes locks and shows them, and does not keep to them: nothing in it is safe from whoever has the credentials.',
    hint: 'Ask whoever runs the server for an Object Lock that it enforces; until then keep a copy with dbadmin repository sync where one is.',
  });
}
