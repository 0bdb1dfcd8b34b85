import { randomBytes } from 'node:crypto';
import type postgres from 'postgres';
import type { Clock } from '../../base/clock.ts';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import { parseMoment } from '../../postgres/moment.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ReplicationConnection } from '../../postgres/replication.ts';
import { inspectSource, type Source } from '../source-inspect.ts';
import { MARKER_NAME } from '../restore/left-out.ts';
import { judgeClock } from './clocks.ts';
import { failed, note, ok, problem, type Finding } from './finding.ts';
import { POSITION_APPLICATION } from '../wal/flushed-inspect.ts';
import { judgeSegments, judgeSettings, type ServerSettings } from './settings.ts';

export interface ServerCheck {
  readonly findings: readonly Finding[];
  /** Undefined when nothing could be asked. */
  readonly systemIdentifier: string | undefined;
  /** Left out where nobody streams from it, or it could not be asked. */
  readonly walSegmentBytes?: number;
}

export interface ServerCheckOptions {
  readonly connection: ConnectionParameters;
  readonly replication: ConnectionParameters;
  readonly slot: string;
  /** The policy that says that physical backups are not wanted: nothing of replication is tried. */
  readonly dumpsOnly: boolean;
  /** The policies leave the WAL to archive_command: nobody need receive it; no unless said. */
  readonly isArchived?: boolean;
  readonly clock: Clock;
}

const REPLICATION = 'replication';
const CONNECTION = 'connection';

/** Tries what backups need of the server. Never throws: what fails is a finding. */
export async function checkServer(options: ServerCheckOptions): Promise<ServerCheck> {
  if (options.dumpsOnly) return await checkForDumps(options);
  const { findings, source } = await checkReplication(options.replication);
  const settings = await checkSettings(options);
  // Of a server that nobody reaches there are no dumps either.
  const reached = !settings.some(({ what, state }) => what === CONNECTION && state === 'problem');
  const offered = findings.map((each) => (reached && each.what === REPLICATION && each.state === 'problem' ? withDumps(each) : each));
  return {
    findings: [...offered, ...settings],
    systemIdentifier: source?.systemIdentifier,
    ...(source && { walSegmentBytes: source.walSegmentBytes }),
  };
}

/** Where dumps are all there is, an ordinary connection has to do. */
async function checkForDumps({ connection, clock }: ServerCheckOptions): Promise<ServerCheck> {
  try {
    const sql = await openClient(connection, { applicationName: 'dbadmin backup check' });
    try {
      const [row] = await sql<{ id: string; version: string }[]>`
        select system_identifier::text as id, current_setting('server_version') as version from pg_catalog.pg_control_system()`;
      const reached = ok('connection', `${connection.user} reaches PostgreSQL ${row?.version ?? ''}`);
      return { findings: [reached, await checkClock(sql, clock)], systemIdentifier: row?.id };
    } finally {
      await sql.end({ timeout: 1 });
    }
  } catch (error) {
    return { findings: [failed('connection', error)], systemIdentifier: undefined };
  }
}

async function checkReplication(
  replication: ConnectionParameters,
): Promise<{ readonly findings: readonly Finding[]; readonly source: Source | undefined }> {
  try {
    const link = await ReplicationConnection.open(replication, { applicationName: 'dbadmin backup check' });
    try {
      const source = await inspectSource(link);
      const major = Math.floor(source.serverVersion / 10_000);
      const findings = [
        ok(REPLICATION, `${replication.user} may replicate from PostgreSQL ${major}, system identifier ${source.systemIdentifier}`),
        source.checksums
          ? ok('page checksums', 'on: pages are verified on the way')
          : note(
              'page checksums',
              'off: a damaged page is not noticed while it is backed up',
              'pg_checksums --enable, with the server stopped; the next backup reads everything',
            ),
        await checkTemporarySlot(link),
        ...judgeSegments(source.walSegmentBytes),
      ];
      return { findings, source };
    } finally {
      await link.close();
    }
  } catch (error) {
    return { findings: [failed(REPLICATION, error)], source: undefined };
  }
}

const DUMPS_INSTEAD = 'or keep to dumps, without recovery to a point in time: backups/policies.yaml → policies.<name>.base: none';

function withDumps(finding: Finding): Finding {
  return { ...finding, fix: `${finding.fix === undefined ? '' : `${finding.fix}\n`}${DUMPS_INSTEAD}` };
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

interface SettingsRow {
  readonly version: string;
  readonly wal_level: string;
  readonly max_wal_senders: string;
  readonly senders_used: string;
  readonly max_slot_wal_keep_size: string;
  readonly summarize_wal: string | null;
  readonly slot_active: boolean | null;
  readonly slot_status: string | null;
}

async function checkSettings({ connection, slot, isArchived, clock }: ServerCheckOptions): Promise<readonly Finding[]> {
  try {
    const sql = await openClient(connection, { applicationName: 'dbadmin backup check' });
    try {
      const [row] = await sql<SettingsRow[]>`
        select current_setting('server_version_num') as version, current_setting('wal_level') as wal_level,
               current_setting('max_wal_senders') as max_wal_senders,
               (select count(*)::text from pg_stat_replication where application_name is distinct from ${POSITION_APPLICATION}) as senders_used,
               current_setting('max_slot_wal_keep_size') as max_slot_wal_keep_size,
               current_setting('summarize_wal', true) as summarize_wal,
               (select active from pg_replication_slots where slot_name = ${slot}) as slot_active,
               (select wal_status from pg_replication_slots where slot_name = ${slot}) as slot_status`;
      if (row === undefined) return [];
      return [...judgeSettings(settingsOf(row), slot, isArchived), ...(await checkMarker(sql)), await checkClock(sql, clock)];
    } finally {
      await sql.end({ timeout: 1 });
    }
  } catch (error) {
    return [failed(CONNECTION, error)];
  }
}

function settingsOf(row: SettingsRow): ServerSettings {
  return {
    version: Number(row.version),
    walLevel: row.wal_level,
    maxWalSenders: Number(row.max_wal_senders),
    sendersUsed: Number(row.senders_used),
    maxSlotWalKeepSize: row.max_slot_wal_keep_size,
    summarizeWal: row.summarize_wal ?? undefined,
    slot: row.slot_active === null ? undefined : { isActive: row.slot_active, status: row.slot_status },
  };
}

/** What a restore that was killed just before its end left in a cluster that runs now; nothing is said where the role may not look. */
async function checkMarker(sql: postgres.Sql): Promise<readonly Finding[]> {
  const rows = await sql<{ directory: string | null }[]>`
    select current_setting('data_directory', true) as directory from pg_catalog.pg_stat_file(${MARKER_NAME}, true) where size is not null
  `.catch(() => []);
  const directory = rows[0]?.directory ?? '$PGDATA';
  if (rows.length === 0) return [];
  return [
    note(
      'finished restore',
      `${MARKER_NAME} lies in the data directory: the restore that made this cluster was killed just before its end`,
      `rm ${directory}/${MARKER_NAME}`,
    ),
  ];
}

async function checkClock(sql: postgres.Sql, clock: Clock): Promise<Finding> {
  const before = clock.now();
  const [row] = await sql<{ now: string }[]>`select to_json(clock_timestamp()) as now`;
  const after = clock.now();
  const reading = { before, theirs: parseMoment(row?.now) ?? before, after, resolutionMs: 1 };
  return judgeClock("the server's clock", reading, 'a time to restore to is one of its clock');
}
