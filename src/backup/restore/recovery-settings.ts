import { formatLsn } from '../../postgres/lsn.ts';

/** Where the server is told to stop: what is written, which may differ from what was asked (times, transactions and restore points become positions). */
export type RecoveryEnd =
  | { readonly kind: 'lsn'; readonly lsn: bigint; readonly inclusive: boolean }
  | { readonly kind: 'immediate' }
  | { readonly kind: 'end-of-wal' };

export type TargetAction = 'pause' | 'promote' | 'shutdown';

/** Limits that a server in recovery must not have lower than the cluster that wrote the WAL; from pg_control. */
export interface StandbyLimits {
  readonly maxConnections: number;
  readonly maxWorkerProcesses: number;
  readonly maxWalSenders: number;
  readonly maxPreparedXacts: number;
  readonly maxLocksPerXact: number;
}

export interface CloneSettings {
  readonly major: number;
  readonly port: number;
  readonly clusterName: string;
  /** Directory of the clone's socket, or undefined for none (a path over 90 bytes does not fit). */
  readonly socketDirectory: string | undefined;
  readonly dataDirectory: string;
  readonly limits: StandbyLimits;
  /** Libraries of the original's shared_preload_libraries that are on this machine. */
  readonly preloadLibraries: readonly string[];
  readonly end: RecoveryEnd;
  readonly timeline: number;
  readonly action: TargetAction;
  readonly spoolDirectory: string;
}

/**
 * The settings of a restored clone, name and value, in the order they are written.
 *
 * A clone must not harm the cluster it was restored from: nothing is archived, nobody is waited for, subscriptions and
 * standby connections stay off, it listens on loopback under its own port and name.
 */
export function cloneSettings(clone: CloneSettings): readonly (readonly [name: string, value: string])[] {
  const { limits } = clone;
  return [
    ['listen_addresses', '127.0.0.1'],
    ['port', String(clone.port)],
    ['unix_socket_directories', clone.socketDirectory ?? ''],
    ['cluster_name', clone.clusterName],
    ['hba_file', `${clone.dataDirectory}/pg_hba.conf`],
    ['ident_file', `${clone.dataDirectory}/pg_ident.conf`],
    ['external_pid_file', ''],
    ['ssl', 'off'],
    ['archive_mode', 'off'],
    ['archive_command', ''],
    ...(clone.major >= 15 ? ([['archive_library', '']] as const) : []),
    ['synchronous_standby_names', ''],
    ['primary_conninfo', ''],
    ['primary_slot_name', ''],
    ['max_logical_replication_workers', '0'],
    ['shared_preload_libraries', clone.preloadLibraries.join(',')],
    ['shared_buffers', '128MB'],
    ['huge_pages', 'off'],
    ['logging_collector', 'off'],
    ['log_destination', 'stderr'],
    ['hot_standby', 'on'],
    ['max_connections', String(limits.maxConnections)],
    ['max_worker_processes', String(limits.maxWorkerProcesses)],
    ['max_wal_senders', String(limits.maxWalSenders)],
    ['max_prepared_transactions', String(limits.maxPreparedXacts)],
    ['max_locks_per_transaction', String(limits.maxLocksPerXact)],
    // Prefetch asks for the segment after the target's, and restore_command would rightly end recovery.
    ...(clone.major >= 15 ? ([['recovery_prefetch', 'off']] as const) : []),
    ['restore_command', spoolCommand(clone.spoolDirectory)],
    ['recovery_target_timeline', String(clone.timeline)],
    ['recovery_target_action', clone.action],
    ...endSettings(clone.end),
  ];
}

const TARGET_SETTINGS = [
  'recovery_target',
  'recovery_target_lsn',
  'recovery_target_time',
  'recovery_target_xid',
  'recovery_target_name',
] as const;

/**
 * The others are emptied, since postgresql.conf may still hold one of an earlier restore; and emptied first, since the
 * server refuses even an empty one after another has been set.
 */
function endSettings(end: RecoveryEnd): readonly (readonly [string, string])[] {
  const only = (name: (typeof TARGET_SETTINGS)[number], value: string, inclusive = true): readonly (readonly [string, string])[] => [
    ...TARGET_SETTINGS.filter((each) => each !== name).map((each) => [each, ''] as const),
    ['recovery_target_inclusive', inclusive ? 'on' : 'off'],
    [name, value],
  ];
  switch (end.kind) {
    case 'lsn':
      return only('recovery_target_lsn', formatLsn(end.lsn), end.inclusive);
    case 'immediate':
      return only('recovery_target', 'immediate');
    case 'end-of-wal':
      return TARGET_SETTINGS.map((each) => [each, ''] as const);
  }
}

/**
 * restore_command over a spool that is plain files: present is copied, listed as absent is 1 (end of archive), anything
 * else is 126, which PostgreSQL takes as fatal: it must never promote a cluster that is cut short.
 */
function spoolCommand(spoolDirectory: string): string {
  const spool = shellQuote(spoolDirectory).replaceAll('%', '%%');
  return `if [ -f ${spool}/wal/"%f" ]; then cp ${spool}/wal/"%f" "%p" || exit 126; elif [ -f ${spool}/absent/"%f" ]; then exit 1; else exit 126; fi`;
}

/** A word for sh. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * postgresql.auto.conf with `settings` in place of what it said of them before.
 *
 * Lines that `settings` does not touch stay, so a clone keeps what ALTER SYSTEM had set otherwise.
 */
export function writeAutoConf(original: string, settings: readonly (readonly [name: string, value: string])[]): string {
  const names = new Set(settings.map(([name]) => name.toLowerCase()));
  const kept = original.split('\n').filter((line) => {
    const name = /^\s*([A-Za-z_][\w.]*)\s*=?/.exec(line)?.[1]?.toLowerCase();
    return (
      line.trim() !== '' &&
      !line.trimStart().startsWith('#') &&
      (name === undefined || !(names.has(name) || name.startsWith('recovery_target')))
    );
  });
  const lines = settings.map(([name, value]) => `${name} = '${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`);
  return `# Written by dbadmin restore. What stood here before and does not clash is kept above the settings of the clone.\n${[...kept, ...lines].join('\n')}\n`;
}
