import type { ControlFile } from '../../postgres/control-file.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import type { BackupSummary } from '../../repository/manifest.ts';

/**
 * Where a recovery that is told to stop as soon as the cluster is consistent stops: it replays what begins before.
 *
 * Recovery from a primary's backup runs to the record of its end, whose position the backup knows. A standby writes no such
 * record: recovery from its backup ends at the minimum recovery position of the pg_control that was copied. That is copied
 * last, but before the server says where the backup ends, and a standby goes on replaying meanwhile.
 *
 * @see CheckRecoveryConsistency and do_pg_backup_stop in src/backend/access/transam of PostgreSQL
 */
export function consistentLsn(backup: Pick<BackupSummary, 'startLsn' | 'stopLsn'>, control: ControlFile): bigint {
  const isOfStandby = control.state === 'in-archive-recovery' || control.state === 'shut-down-in-recovery';
  if (!isOfStandby) return parseLsn(backup.stopLsn);
  const startLsn = parseLsn(backup.startLsn);
  return control.minRecoveryLsn > startLsn ? control.minRecoveryLsn : startLsn;
}
