import { lastSetting } from './configuration-files.ts';
import type { StandbyLimits } from './recovery-settings.ts';
import { fittedMemory } from './clone-memory.ts';

/** What a restored clone is to be, and what its original had. */
export interface CloneSettings {
  readonly major: number;
  readonly port: number;
  readonly clusterName: string;
  /** Directory of the clone's socket, or undefined for none (a path over 90 bytes does not fit). */
  readonly socketDirectory: string | undefined;
  readonly dataDirectory: string;
  readonly limits: StandbyLimits;
  readonly walSegmentBytes: number;
  /** Libraries of the original that are on this machine and do nothing by themselves, by setting. */
  readonly libraries: ReadonlyMap<LibrarySetting, readonly string[]>;
  /** The original's value of a setting, where its configuration files say one. */
  readonly original: (name: string) => string | undefined;
  /** Memory of the machine that the clone runs on. */
  readonly machineBytes: number;
}

export const LIBRARY_SETTINGS = ['shared_preload_libraries', 'session_preload_libraries', 'local_preload_libraries'] as const;
export type LibrarySetting = (typeof LIBRARY_SETTINGS)[number];

export type Setting = readonly [name: string, value: string];

/**
 * The settings of a restored clone, name and value, in the order they are written; those of its recovery come behind them.
 *
 * A clone must not harm the cluster it was restored from: nothing is archived, nobody is waited for, subscriptions and
 * standby connections stay off, no command of the original's administration runs, it listens on loopback under its own
 * port and name. And it must start on a smaller machine than the original's.
 */
export function cloneSettings(clone: CloneSettings): readonly Setting[] {
  return [[RESTORED_AS, 'clone'], ...ownAddress(clone), ...nothingToOthers(clone), ...ownMachine(clone), ...standbyLimits(clone.limits)];
}

/**
 * Says what a cluster was restored as. A setting of our own that the server keeps and nothing else writes: no quarantine has one in
 * its place, and ALTER SYSTEM, which drops comments, leaves it.
 */
export const RESTORED_AS = 'dbadmin.restored_as';

/**
 * Whether this postgresql.auto.conf is that of a clone: what is done in one is nobody's data, and never archived. One that somebody
 * made archive is none any more.
 */
export function isCloneConfiguration(autoConf: string): boolean {
  return lastSetting(autoConf, RESTORED_AS) === 'clone' && lastSetting(autoConf, 'archive_mode') === 'off';
}

/** A directory as one item of a setting that lists several: the server cuts at commas, and takes blanks off the ends. */
export function listItem(directory: string): string {
  return /[,"]|^\s|\s$/.test(directory) ? `"${directory.replaceAll('"', '""')}"` : directory;
}

function ownAddress(clone: CloneSettings): readonly Setting[] {
  return [
    ['listen_addresses', '127.0.0.1'],
    ['port', String(clone.port)],
    ['unix_socket_directories', clone.socketDirectory === undefined ? '' : listItem(clone.socketDirectory)],
    ['unix_socket_group', ''],
    ['unix_socket_permissions', '0700'],
    ['bonjour', 'off'],
    ['cluster_name', clone.clusterName],
    ['hba_file', `${clone.dataDirectory}/pg_hba.conf`],
    ['ident_file', `${clone.dataDirectory}/pg_ident.conf`],
    // Not empty: the server would try to write a file of no name, and complain.
    ['external_pid_file', `${clone.dataDirectory}/clone.pid`],
    ['ssl', 'off'],
  ];
}

function nothingToOthers({ major, libraries }: CloneSettings): readonly Setting[] {
  const preloaded = LIBRARY_SETTINGS.map((name) => [name, (libraries.get(name) ?? []).join(',')] as const);
  return [
    ['archive_mode', 'off'],
    ['archive_command', ''],
    ...since(15, major, ['archive_library', '']),
    // These two of a standby's configuration delete archived WAL and take over addresses.
    ['archive_cleanup_command', ''],
    ['recovery_end_command', ''],
    ['synchronous_standby_names', ''],
    ['primary_conninfo', ''],
    ['primary_slot_name', ''],
    ['hot_standby_feedback', 'off'],
    ...since(17, major, ['sync_replication_slots', 'off']),
    ...since(17, major, ['summarize_wal', 'off']),
    // Subscriptions would go on where the original's are, and take its slots.
    ['max_logical_replication_workers', '0'],
    ...preloaded,
    // Jobs of a library that queries cannot do without (TimescaleDB) or that an administrator preloads again.
    ...(libraries.get('shared_preload_libraries')?.some((name) => libraryName(name) === 'timescaledb') === true
      ? [['timescaledb.max_background_workers', '0'] as const]
      : []),
  ];
}

function ownMachine(clone: CloneSettings): readonly Setting[] {
  const { major } = clone;
  return [
    ...fittedMemory(clone),
    ...since(18, major, ['io_method', 'worker']),
    // Values that need a library the server here may be built without.
    ...since(15, major, ['wal_compression', 'off']),
    ['default_toast_compression', 'pglz'],
    ['wal_keep_size', '0'],
    ...(major <= 14 ? ([['stats_temp_directory', 'pg_stat_tmp']] as const) : []),
    // What the log says of recovery is read by whoever waits for it.
    ['lc_messages', 'C'],
    ['log_min_messages', 'warning'],
    ['logging_collector', 'off'],
    ['log_destination', 'stderr'],
    ['hot_standby', 'on'],
    // It would hold back replay here too, not only on a standby.
    ['recovery_min_apply_delay', '0'],
    ...(major <= 15 ? ([['promote_trigger_file', '']] as const) : []),
  ];
}

function standbyLimits(limits: StandbyLimits): readonly Setting[] {
  return [
    ['max_connections', String(limits.maxConnections)],
    ['max_worker_processes', String(limits.maxWorkerProcesses)],
    ['max_wal_senders', String(limits.maxWalSenders)],
    ['max_prepared_transactions', String(limits.maxPreparedXacts)],
    ['max_locks_per_transaction', String(limits.maxLocksPerXact)],
  ];
}

function since(first: number, major: number, setting: Setting): readonly Setting[] {
  return major >= first ? [setting] : [];
}

/** Libraries that work by themselves once they are preloaded, and what they would do in a clone. */
const BUSY_LIBRARIES: ReadonlyMap<string, string> = new Map([
  ['pg_cron', 'runs its jobs'],
  ['pg_task', 'runs its jobs, on other servers too'],
  ['pg_net', 'sends HTTP requests'],
  ['pg_partman_bgw', 'makes and drops partitions'],
  ['pg_squeeze', 'rewrites tables'],
  ['pglogical', 'connects to its providers'],
  ['spock', 'connects to its peers'],
  ['bdr', 'connects to its peers'],
  ['pgactive', 'connects to its peers'],
  ['citus', 'connects to its other nodes'],
  ['repmgr', 'takes part in failovers'],
  ['pgautofailover', 'takes part in failovers'],
  ['pg_failover_slots', 'moves slots between servers'],
  ['powa', 'sends statistics'],
]);

/** What a library would do by itself in a clone, or undefined for one that only answers queries. */
export function busyLibrary(library: string): string | undefined {
  return BUSY_LIBRARIES.get(libraryName(library));
}

/** `pg_cron` of `$libdir/pg_cron.so`. */
export function libraryName(library: string): string {
  return (library.split('/').at(-1) ?? library).replace(/\.(so|dylib|dll)$/, '');
}
