import { formatLsn } from '../../postgres/lsn.ts';
import { shellQuote } from '../../base/shell-word.ts';

/** Where the server is told to stop: what is written, which may differ from what was asked (times, transactions and restore points become positions). */
export type RecoveryEnd =
  | { readonly kind: 'lsn'; readonly lsn: bigint; readonly inclusive: boolean }
  /** As soon as the cluster is consistent: what begins before `lsn` is replayed. `last` is the last of that, where nothing is there behind it. */
  | { readonly kind: 'immediate'; readonly lsn: bigint; readonly last?: bigint }
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

export interface RecoverySettings {
  readonly major: number;
  readonly end: RecoveryEnd;
  readonly timeline: number;
  readonly action: TargetAction;
  readonly restoreCommand: string;
}

/** The settings of one recovery, name and value, in the order they are written: last in their file. */
export function recoverySettings(recovery: RecoverySettings): readonly (readonly [name: string, value: string])[] {
  return [
    // Prefetch asks for the segment after the target's, and restore_command would rightly end recovery.
    ...(recovery.major >= 15 ? ([['recovery_prefetch', 'off']] as const) : []),
    ['restore_command', recovery.restoreCommand],
    ['recovery_target_timeline', String(recovery.timeline)],
    ['recovery_target_action', recovery.action],
    ...endSettings(recovery.end),
  ];
}

/** Whether a setting belongs to one recovery and has no meaning after it. */
export function isRecoverySetting(name: string): boolean {
  return name === 'restore_command' || name === 'recovery_prefetch' || name.startsWith('recovery_target');
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
      // The server looks whether it is to stop when it has the record that follows, and asks for the next segment to have it.
      return end.last === undefined ? only('recovery_target', 'immediate') : only('recovery_target_lsn', formatLsn(end.last));
    case 'end-of-wal':
      return TARGET_SETTINGS.map((each) => [each, ''] as const);
  }
}

/**
 * restore_command over a spool that is plain files: present is copied, listed as absent is 1 (end of archive), anything
 * else is 126, which PostgreSQL takes as fatal: it must never promote a cluster that is cut short.
 *
 * `otherwise`, sh that ends with one of these statuses, is asked for names that are in neither; it is not escaped.
 */
export function spoolCommand(spoolDirectory: string, otherwise = 'exit 126'): string {
  const spool = shellQuote(spoolDirectory).replaceAll('%', '%%');
  return `if [ -f ${spool}/wal/"%f" ]; then cp ${spool}/wal/"%f" "%p" || exit 126; elif [ -f ${spool}/absent/"%f" ]; then exit 1; else ${otherwise}; fi`;
}

/**
 * restore_command that asks the repository through dbadmin, whose words are absolute paths: a server knows neither our PATH
 * nor our directory. Node itself ends with 1 when it cannot run, so absence has a status of its own.
 */
export function repositoryCommand(words: readonly string[]): string {
  const command = words.map((word) => shellQuote(word).replaceAll('%', '%%')).join(' ');
  return `${command} --absent-code 44 %f %p; c=$?; [ $c = 0 ] && exit 0; [ $c = 44 ] && exit 1; exit 126`;
}

/**
 * postgresql.auto.conf with `settings` in place of what it said of them before; old recovery targets go in any case.
 *
 * Lines that `settings` does not touch stay, so a restored cluster keeps what ALTER SYSTEM had set otherwise.
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
  return `# Written by dbadmin restore. What stood here before and does not clash is kept above its settings.\n${[...kept, ...lines].join('\n')}\n`;
}
