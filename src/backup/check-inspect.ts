import { randomBytes } from 'node:crypto';
import { formatBytes } from '../base/bytes.ts';
import { DbadminError, messageOf } from '../base/errors.ts';
import { openClient } from '../postgres/client.ts';
import type { ConnectionParameters } from '../postgres/parameters.ts';
import { ReplicationConnection } from '../postgres/replication.ts';
import { listBackups } from '../repository/manifest.ts';
import { listClusters } from '../repository/identity.ts';
import type { Repository } from '../repository/repository.ts';
import type { ObjectStore } from '../storage/store.ts';
import { checkLocks } from './check-locks-inspect.ts';
import { inspectSource, type Source } from './source-inspect.ts';

/** One thing that was tried. */
export interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'note' | 'problem';
  readonly detail: string;
  /** The SQL, line or command that mends it. */
  readonly fix: string | undefined;
}

const ok = (what: string, detail: string): Finding => ({ what, state: 'ok', detail, fix: undefined });
const note = (what: string, detail: string, fix?: string): Finding => ({ what, state: 'note', detail, fix });
const problem = (what: string, detail: string, fix?: string): Finding => ({ what, state: 'problem', detail, fix });

const failed = (what: string, error: unknown): Finding =>
  error instanceof DbadminError
    ? problem(what, error.detail === undefined ? error.message : `${error.message}. ${error.detail}`, error.hint)
    : problem(what, messageOf(error));

export interface ServerCheck {
  readonly findings: readonly Finding[];
  /** Undefined when no replication connection came about. */
  readonly source: Source | undefined;
}

/** Tries what a backup needs of the server. Never throws: what fails is a finding. */
export async function checkServer(connection: ConnectionParameters, replication: ConnectionParameters, slot: string): Promise<ServerCheck> {
  const findings: Finding[] = [];
  let source: Source | undefined;
  try {
    const link = await ReplicationConnection.open(replication, { applicationName: 'dbadmin backup check' });
    try {
      source = await inspectSource(link);
      findings.push(
        ok(
          'replication',
          `${replication.user} may replicate from PostgreSQL ${Math.floor(source.serverVersion / 10_000)}, system identifier ${source.systemIdentifier}`,
        ),
      );
      findings.push(
        source.checksums
          ? ok('page checksums', 'on: pages are verified on the way')
          : note(
              'page checksums',
              'off: a damaged page is not noticed while it is backed up',
              'pg_checksums --enable, with the server stopped',
            ),
      );
      findings.push(await checkTemporarySlot(link));
    } finally {
      await link.close();
    }
  } catch (error) {
    findings.push(failed('replication', error));
  }
  findings.push(...(await checkSettings(connection, slot)));
  return { findings, source };
}

/** A backup makes such a slot for its own WAL: so it is tried, not looked up. */
async function checkTemporarySlot(link: ReplicationConnection): Promise<Finding> {
  try {
    await link.createPhysicalSlot(`dbadmin_check_${randomBytes(4).toString('hex')}`, { reserveWal: true, temporary: true });
    return ok('replication slot', 'one is free');
  } catch (error) {
    const fix = 'ALTER SYSTEM SET max_replication_slots = 10;  -- then restart';
    return error instanceof DbadminError
      ? { ...failed('replication slot', error), fix }
      : problem('replication slot', messageOf(error), fix);
  }
}

interface Settings {
  readonly wal_level: string;
  readonly max_wal_senders: string;
  readonly senders_used: string;
  readonly max_slot_wal_keep_size: string;
  readonly synchronous_standby_names: string;
  readonly slot_active: boolean | null;
  readonly slot_status: string | null;
}

async function checkSettings(parameters: ConnectionParameters, slot: string): Promise<readonly Finding[]> {
  let settings: Settings | undefined;
  try {
    const sql = await openClient(parameters, { applicationName: 'dbadmin backup check' });
    try {
      [settings] = await sql<Settings[]>`
        select current_setting('wal_level') as wal_level, current_setting('max_wal_senders') as max_wal_senders,
               (select count(*)::text from pg_stat_replication) as senders_used,
               current_setting('max_slot_wal_keep_size') as max_slot_wal_keep_size,
               current_setting('synchronous_standby_names') as synchronous_standby_names,
               (select active from pg_replication_slots where slot_name = ${slot}) as slot_active,
               (select wal_status from pg_replication_slots where slot_name = ${slot}) as slot_status`;
    } finally {
      await sql.end();
    }
  } catch (error) {
    return [failed('connection', error)];
  }
  return settings === undefined ? [] : judgeSettings(settings, slot);
}

/** What the settings mean for backups. Two senders are needed: one for the content, one for its WAL. */
function judgeSettings(settings: Settings, slot: string): readonly Finding[] {
  const findings: Finding[] = [];
  findings.push(
    settings.wal_level === 'minimal'
      ? problem(
          'wal_level',
          'minimal: the WAL does not hold what a recovery needs',
          'ALTER SYSTEM SET wal_level = replica;  -- then restart',
        )
      : ok('wal_level', settings.wal_level),
  );
  const free = Number(settings.max_wal_senders) - Number(settings.senders_used);
  findings.push(
    free < 2
      ? problem(
          'max_wal_senders',
          `${settings.max_wal_senders}, ${settings.senders_used} in use: a backup takes two`,
          `ALTER SYSTEM SET max_wal_senders = ${Number(settings.senders_used) + 5};  -- then restart`,
        )
      : ok('max_wal_senders', `${settings.max_wal_senders}, ${settings.senders_used} in use`),
  );
  if (settings.slot_active === null)
    findings.push(
      note('wal receive', `no slot ${slot} yet: only backups bring WAL, so moments between them are lost`, 'dbadmin wal receive'),
    );
  else if (settings.slot_status === 'lost')
    findings.push(
      problem(
        'wal receive',
        `slot ${slot} is lost: the server removed WAL that was not stored`,
        'dbadmin wal receive --drop-slot, dbadmin backup run, dbadmin wal receive',
      ),
    );
  else if (!settings.slot_active)
    findings.push(
      problem(
        'wal receive',
        `slot ${slot} is there and nobody reads it: the server keeps WAL until its disk is full`,
        'dbadmin wal receive, or give the slot up with --drop-slot',
      ),
    );
  else findings.push(ok('wal receive', `slot ${slot} is being read`));
  if (settings.slot_active !== null && settings.max_slot_wal_keep_size === '-1') {
    findings.push(
      note(
        'max_slot_wal_keep_size',
        'not set: a slot that nobody reads can fill the disk',
        "ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; SELECT pg_reload_conf();",
      ),
    );
  }
  return findings;
}

/** Tries what a backup needs of a repository: that it is there, that objects can be made, read and removed, and that it is this cluster's. */
export async function checkRepository(
  name: string,
  repository: Repository,
  source: Source | undefined,
  clusterName: string,
): Promise<readonly Finding[]> {
  const what = `repository ${name}`;
  const findings: Finding[] = [];
  try {
    const { store } = repository;
    await tryWriting(store);
    const free = await store.freeBytes();
    findings.push(ok(what, `${store.description}: there, readable, writable${free === undefined ? '' : `, ${formatBytes(free)} free`}`));
    findings.push(
      repository.keys === undefined
        ? note(`${what} encryption`, 'none: whoever reads it reads the database')
        : ok(`${what} encryption`, repository.identity.encryption),
    );
    findings.push(...(await checkLocks(what, store)));
    const others = (await listClusters(repository)).filter(
      (each) => each.name === clusterName && each.systemIdentifier !== source?.systemIdentifier,
    );
    if (source !== undefined && others.length > 0) {
      findings.push(
        note(
          what,
          `it also holds another cluster called ${clusterName} (${others.map((each) => each.systemIdentifier).join(', ')}): restores have to say which with --system-identifier`,
        ),
      );
    }
    const count = source === undefined ? 0 : (await listBackups(repository, source.systemIdentifier)).length;
    if (source !== undefined)
      findings.push(count === 0 ? note(`${what} backups`, 'none yet', 'dbadmin backup run') : ok(`${what} backups`, String(count)));
  } catch (error) {
    findings.push(failed(what, error));
  }
  return findings;
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
