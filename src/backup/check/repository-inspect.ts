import { randomBytes } from 'node:crypto';
import { formatBytes } from '../../base/bytes.ts';
import type { Clock } from '../../base/clock.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { inspectClusters, refuseOtherSegments } from '../../repository/identity.ts';
import { backupPrefix } from '../../repository/layout.ts';
import { inspectBackups } from '../../repository/manifest.ts';
import { listFindings } from '../../repository/audit-findings.ts';
import type { DamagedObject } from '../../repository/passed-over.ts';
import type { Repository } from '../../repository/repository.ts';
import { listUntrustedIndexes } from '../../repository/untrusted-indexes.ts';
import { listUnlocked } from '../../repository/unlocked-backups.ts';
import { storeNow } from '../../repository/store-clock.ts';
import { probeConditionalCreate } from '../../storage/conditional-create.ts';
import type { ObjectStore } from '../../storage/store.ts';
import { checkLocks } from '../check-locks-inspect.ts';
import { dumpsAhead, lastDumps, type DumpPromise } from '../dump/last-inspect.ts';
import { readProofs } from '../drill/record.ts';
import { standingFailure } from '../drill/standing.ts';
import { backupTimes } from '../backup-times.ts';
import { mayServe, suspicionsOf } from '../suspicion.ts';
import { readVerifications } from '../verify/record.ts';
import { judgeAges, type AgeLimits } from './ages.ts';
import { judgeClock } from './clocks.ts';
import { failed, note, ok, problem, type Finding } from './finding.ts';
import { checkKeys } from './keys-inspect.ts';

export interface RepositoryCheckOptions {
  readonly name: string;
  readonly clusterName: string;
  /** The server's, or undefined when it could not be asked. */
  readonly systemIdentifier: string | undefined;
  /** The server's; not looked at unless said. */
  readonly walSegmentBytes?: number | undefined;
  readonly limits: AgeLimits;
  /** What is promised of its dumps here; none unless said. */
  readonly dumps?: readonly DumpPromise[];
  readonly clock: Clock;
  /** Whether the database is on this machine, as far as its address tells; no unless said. */
  readonly databaseIsHere?: boolean;
}

/** Tries what a backup needs of a repository: that it is there, that objects can be made, read, listed and removed, and that it is this cluster's. */
export async function checkRepository(repository: Repository, options: RepositoryCheckOptions): Promise<readonly Finding[]> {
  const what = `repository ${options.name}`;
  const findings: Finding[] = [];
  try {
    const { store } = repository;
    // Before anything is deleted: a bucket that locks everything fails there, and the reason is here.
    findings.push(...(await checkLocks(what, store)));
    await tryWriting(store);
    findings.push(...(await checkConditionalCreate(what, store)));
    const free = await store.freeBytes();
    findings.push(ok(what, `${store.description}: there, readable, writable${free === undefined ? '' : `, ${formatBytes(free)} free`}`));
    findings.push(
      repository.keys === undefined
        ? note(
            `${what} encryption`,
            'none: whoever reads it reads the database',
            'name another repository with encryption in dbadmin.yaml; dbadmin backup init, then dbadmin repository sync --to it',
          )
        : ok(`${what} encryption`, repository.identity.encryption),
    );
    findings.push(...(await checkKeys(options.name, repository, options.databaseIsHere ?? false)));
    findings.push(await checkAbsence(what, store));
    findings.push(await checkStoreClock(what, store, options.clock));
    findings.push(...(await checkLineage(what, repository, options)));
  } catch (error) {
    findings.push(failed(what, error));
  }
  return findings;
}

/** It was probed when the repository was made, and a bucket may have been moved to another server since. */
async function checkConditionalCreate(what: string, store: ObjectStore): Promise<readonly Finding[]> {
  if (!store.capabilities.conditionalCreate || (await probeConditionalCreate(store))) return [];
  return [
    problem(
      `${what} conditional create`,
      'the storage overwrites what is there, and refused to when the repository was made: two that write at once may overwrite each other, and leases keep nobody apart',
      'Bring the repository back to a server that honours If-None-Match; or let one command at a time write, make a new repository with dbadmin backup init, and dbadmin repository sync to it.',
    ),
  ];
}

/**
 * Whether "it is not there" can be told from "you may not know": without the right to list, S3 answers both with 403, and a
 * restore_command could not tell the end of the archive.
 */
async function checkAbsence(what: string, store: ObjectStore): Promise<Finding> {
  const name = `${what} listing`;
  const key = `check-${randomBytes(8).toString('hex')}`;
  try {
    if ((await store.stat(key)) !== undefined) return problem(name, `it says that ${key} is there, which nobody made`);
    for await (const object of store.list(key)) return problem(name, `it lists ${object.key}, which nobody made`);
    return ok(name, 'absent objects are told from forbidden ones');
  } catch (error) {
    if (!isDbadminError(error, 'storage-denied')) return failed(name, error);
    return problem(
      name,
      `absent objects cannot be told from forbidden ones: ${error.message}`,
      'Allow s3:ListBucket on the bucket itself, not only on its objects: dbadmin repository iam-policy prints the whole policy.',
    );
  }
}

async function checkStoreClock(what: string, store: ObjectStore, clock: Clock): Promise<Finding> {
  const before = clock.now();
  const theirs = await storeNow(store);
  const after = clock.now();
  return judgeClock(
    `${what} clock`,
    { before, theirs, after, resolutionMs: 1000 },
    'S3 refuses requests that differ by 15 min, and leases last by its clock',
  );
}

async function checkLineage(what: string, repository: Repository, options: RepositoryCheckOptions): Promise<readonly Finding[]> {
  const { systemIdentifier, clusterName, limits, clock } = options;
  if (systemIdentifier === undefined) return [];
  const findings: Finding[] = [];
  const clusters = await inspectClusters(repository);
  const others = clusters.clusters.filter((each) => each.name === clusterName && each.systemIdentifier !== systemIdentifier);
  if (others.length > 0) {
    findings.push(
      note(
        what,
        `it also holds another cluster called ${clusterName} (${others.map((each) => each.systemIdentifier).join(', ')}): restores have to say which with --system-identifier`,
        'give each cluster a name of its own under clusters in dbadmin.yaml',
      ),
    );
  }
  findings.push(...(await checkSegments(what, repository, options)));
  const now = clock.now();
  const { backups, damaged, storedAt } = await inspectBackups(repository, systemIdentifier);
  findings.push(...[...clusters.damaged, ...damaged].map((found) => unreadable(found, what)));
  findings.push(...(await checkIndexes(what, repository, systemIdentifier)));
  findings.push(...(await checkBackupLocks(what, repository, systemIdentifier)));
  findings.push(...(await checkLockModes(what, repository, systemIdentifier, now)));
  const { own, last, lastPassed } = await readProofs(repository, systemIdentifier, now);
  const failed = standingFailure(own, backups, now) ?? (last?.verdict === 'passed' ? undefined : last);
  const verified = (await readVerifications(repository, systemIdentifier, now)).telling;
  const at = (text: string | undefined): Date | undefined => (text === undefined ? undefined : new Date(text));
  const suspicions = suspicionsOf(backups, await listFindings(repository, systemIdentifier));
  const serving = backups.filter((backup) => mayServe(backup, suspicions));
  const { timed, ahead } = backupTimes(serving, storedAt, now);
  const ages = {
    repositoryAt: new Date(repository.identity.createdAt),
    backups: backups.length,
    backupAt: timed.at(-1)?.endedAt,
    ahead: [...ahead.map(({ summary: { label } }) => label), ...(await dumpsAhead(repository, systemIdentifier, now))],
    dumps: await lastDumps(repository, systemIdentifier, options.dumps ?? [], now),
    drillAt: at(lastPassed?.finishedAt),
    drillFailed: failed === undefined ? undefined : { label: failed.label, isLast: failed === last },
    mismatches: suspicions.open,
    unjudged: suspicions.unjudged,
    verified: verified === undefined ? undefined : { at: new Date(verified.finishedAt), isSound: verified.isSound },
  };
  return [...findings, ...judgeAges(options.name, ages, limits, now)];
}

/** Whoever writes WAL here refuses then. */
async function checkSegments(
  what: string,
  repository: Repository,
  { systemIdentifier = '', clusterName, walSegmentBytes }: RepositoryCheckOptions,
): Promise<readonly Finding[]> {
  if (walSegmentBytes === undefined) return [];
  try {
    await refuseOtherSegments(repository, { systemIdentifier, name: clusterName, walSegmentBytes });
    return [];
  } catch (error) {
    return [failed(`${what} WAL segments`, error)];
  }
}

/** A rebuild without the key leaves indexes that restores read and backups do not. */
async function checkIndexes(what: string, repository: Repository, systemIdentifier: string): Promise<readonly Finding[]> {
  const keys = await listUntrustedIndexes(repository, systemIdentifier);
  if (keys.length === 0) return [];
  return [
    problem(
      `${what} indexes`,
      `not encrypted, though the repository is: ${keys.join(', ')}. Restores find content by them; a backup stores again what only they name`,
      'dbadmin repository rebuild-index with the key replaces them by what the packs say.',
    ),
  ];
}

/** A backup that was published a moment ago is being locked. */
const BEING_LOCKED_MS = 3_600_000;

/** A run that was killed between publishing and locking leaves a backup without its lock. */
async function checkBackupLocks(what: string, repository: Repository, systemIdentifier: string): Promise<readonly Finding[]> {
  const labels = (await listUnlocked(repository, systemIdentifier, { olderThanMs: BEING_LOCKED_MS })).map(({ label }) => label);
  if (labels.length === 0) return [];
  return [
    problem(
      `${what} lock`,
      `not locked, though they should be: ${labels.join(', ')}`,
      'dbadmin backup run: each backup locks those that were left; its log says why where one cannot be locked.',
    ),
  ];
}

/** Backups of before compliance was configured, as far as they are locked: looked at by their manifests, since what they share with later ones those make stricter. */
async function checkLockModes(what: string, { store }: Repository, systemIdentifier: string, now: Date): Promise<readonly Finding[]> {
  const { lockDays } = store.capabilities;
  if (lockDays === undefined) return [];
  const labels: string[] = [];
  const prefix = backupPrefix(systemIdentifier);
  for await (const { key } of store.list(prefix)) {
    const { isLesserLock = false, lockedUntil } = (await store.stat(key)) ?? {};
    if (isLesserLock && lockedUntil !== undefined && lockedUntil > now) labels.push(key.slice(prefix.length));
  }
  if (labels.length === 0) return [];
  return [
    note(
      `${what} lock mode`,
      `${labels.length} backups are locked in governance mode, which those with s3:BypassGovernanceRetention can lift, and compliance is configured: ${labels.join(', ')}`,
      'New backups are in compliance mode, and bring what they share with these into it where the server allows that. These end with their locks; to keep one for sure, copy it to another repository with dbadmin repository sync.',
    ),
  ];
}

/** What is passed over wherever it is met; a manifest also keeps anything from being removed. */
function unreadable({ key, error }: DamagedObject, what: string): Finding {
  return problem(
    `${what} ${key}`,
    error.detail === undefined ? error.message : `${error.message}. ${error.detail}`,
    'dbadmin backup verify says what that costs; delete the object, then dbadmin repository sync from a copy that has it, or dbadmin backup run',
  );
}

async function tryWriting(store: ObjectStore): Promise<void> {
  const key = `check-${randomBytes(8).toString('hex')}`;
  const content = randomBytes(64);
  await store.create(key, content);
  try {
    const read = await store.read(key);
    if (!content.equals(read)) throw new DbadminError('storage-failed', `${store.description} gave back other bytes than were written`);
  } finally {
    await store.delete(key);
  }
}
