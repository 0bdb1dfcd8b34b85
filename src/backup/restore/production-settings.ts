import { RESTORED_AS, type Setting } from './clone-settings.ts';
import type { StandbyLimits } from './recovery-settings.ts';

export interface ProductionSettings {
  readonly limits: StandbyLimits;
  /** The value that the configuration files being restored give a setting. */
  readonly original: (name: string) => string | undefined;
  /** Where hba_file and ident_file lie now, when they lay outside of the data directory. */
  readonly moved: ReadonlyMap<'hba_file' | 'ident_file', string>;
}

/**
 * What a cluster that is restored to go on in its original's place changes of its own configuration: almost nothing. It
 * keeps name, addresses, archiving and everything else; only what cannot hold any more is set anew.
 */
export function productionSettings({ limits, original, moved }: ProductionSettings): readonly Setting[] {
  const wanted = [
    ['max_connections', limits.maxConnections, 100],
    ['max_worker_processes', limits.maxWorkerProcesses, 8],
    ['max_wal_senders', limits.maxWalSenders, 10],
    ['max_prepared_transactions', limits.maxPreparedXacts, 0],
    ['max_locks_per_transaction', limits.maxLocksPerXact, 64],
  ] as const;
  // Lowered after the backup began and raised in pg_control: recovery would stop and ask for more.
  const raised = wanted.filter(([name, least, usual]) => Number(original(name) ?? usual) < least);
  return [
    // Of the backup of a clone that somebody made their own.
    ...(original(RESTORED_AS) === undefined ? [] : [[RESTORED_AS, 'production'] as const]),
    ...[...moved].map(([name, path]) => [name, path] as const),
    // It restores as a primary: whom the original followed, if it was a standby, is not followed.
    ['primary_conninfo', ''],
    ['primary_slot_name', ''],
    ['recovery_end_command', ''],
    ['recovery_min_apply_delay', '0'],
    ['hot_standby', 'on'],
    ...raised.map(([name, least]) => [name, String(least)] as const),
  ];
}

/**
 * What a production's log needs, until its recovery has paused, to say so where and as paused-inspect.ts looks for it; nothing where it does anyhow.
 * `said` gives all values that its files have for a setting.
 */
export function watchedSettings(said: (name: string) => readonly string[]): readonly Setting[] {
  const languages = said('lc_messages');
  const isEnglish = languages.length > 0 && languages.every((each) => /^(C|POSIX|en)\b/i.test(each.replace('_', '-')));
  const isHidden = said('log_min_messages').some((each) => /^(fatal|panic)$/i.test(each));
  const isElsewhere = said('log_destination').some((each) => !/stderr|csvlog|jsonlog/i.test(each));
  return [
    ...(isEnglish ? [] : [['lc_messages', 'C'] as const]),
    ...(isHidden ? [['log_min_messages', 'log'] as const] : []),
    ...(isElsewhere ? [['log_destination', 'stderr'] as const] : []),
  ];
}
