import type { Clock } from '../base/clock.ts';
import { DbadminError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { placeHold, releaseHolds } from '../repository/holds.ts';
import { backupKey } from '../repository/layout.ts';
import { readLease } from '../repository/lease-objects.ts';
import { describeOwner } from '../repository/leases.ts';
import { hasEnded } from '../repository/process-identity.ts';
import type { Repository } from '../repository/repository.ts';
import { dumpManifestKey } from './dump/layout.ts';

const LOOK_AGAIN_MS = 1000;
/** An expiry looks at the holds right before each removal: what it had decided before the hold was placed is done by then. */
const SETTLED_MS = 20_000;

export interface HoldWanted {
  readonly label: string;
  readonly reason: string;
  readonly until: Date | null;
}

export interface HoldOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Whether a backup or dump of that label is there. */
export async function isStored({ store }: Repository, systemIdentifier: string, label: string): Promise<boolean> {
  if (!/^[\w.-]+$/.test(label)) return false;
  if ((await store.stat(backupKey(systemIdentifier, label))) !== undefined) return true;
  return (await store.stat(dumpManifestKey(`${systemIdentifier}/`, label))) !== undefined;
}

/**
 * Holds a backup or dump that is there, and looks whether the hold came in time. The lease of who expires is not taken for it, which
 * may be held for as long as a collection takes: a hold would come too late then. It is placed, and whoever expires and looked
 * before that has so long to do what it decided by.
 *
 * @throws {DbadminError} `backup-missing` when it was removed meanwhile; the hold is released then.
 */
export async function holdInTime(
  repository: Repository,
  systemIdentifier: string,
  { label, reason, until }: HoldWanted,
  { clock, log, signal }: HoldOptions,
): Promise<void> {
  const hold = await placeHold(repository, systemIdentifier, { label, reason, until, now: clock.now() });
  const { store } = repository;
  const before = await readLease(store, systemIdentifier, 'expire');
  const isHeld = before?.state === 'held' && !(before.owner.process !== null && (await hasEnded(before.owner.process)));
  if (isHeld) {
    log.info(
      `${describeOwner(before)} may be removing backups in ${store.description}: watching whether the hold of ${label} came in time`,
    );
    for (let waitedMs = 0; waitedMs < SETTLED_MS; waitedMs += LOOK_AGAIN_MS) {
      await clock.sleep(LOOK_AGAIN_MS, signal);
      const now = await readLease(store, systemIdentifier, 'expire');
      // Who began after the hold was placed sees it.
      if (now?.state !== 'held' || now.holding !== before.holding || !(await isStored(repository, systemIdentifier, label))) break;
    }
  }
  if (await isStored(repository, systemIdentifier, label)) return;
  await releaseHolds(repository, systemIdentifier, { label, holds: [hold], reason: 'it had come too late', now: clock.now() });
  throw new DbadminError('backup-missing', `${label} was removed from ${store.description} while the hold was being placed`, {
    detail: `${before === undefined ? 'Somebody' : describeOwner(before)} had decided so before.`,
    hint: 'dbadmin backup list shows what is left; another repository may have it still.',
  });
}
