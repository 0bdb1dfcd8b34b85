import { DbadminError } from '../base/errors.ts';
import { formatLsn } from './lsn.ts';
import { PostgresError, describeServerMessage } from './postgres-error.ts';

/** What the stream was to deliver. */
interface Wanted {
  readonly slot?: string;
  readonly startLsn: bigint;
  readonly timeline: number;
}

/** Why WAL does not come, as ours; our own errors pass. */
export function walStreamFailure(error: unknown, wanted: Wanted): Error {
  if (!(error instanceof PostgresError)) return error instanceof Error ? error : new Error(String(error));
  const parts = { detail: describeServerMessage(error), cause: error };
  const from = `${formatLsn(wanted.startLsn)} on timeline ${wanted.timeline}`;
  if (error.code === '55006') {
    return new DbadminError('locked', `replication slot ${wanted.slot ?? ''} is in use`, {
      ...parts,
      hint: 'Another receiver reads it (pg_replication_slots.active_pid). Stop that one first.',
    });
  }
  if (error.code === '42704') {
    return new DbadminError('query-failed', `there is no replication slot ${wanted.slot ?? ''}`, {
      ...parts,
      hint: 'Create it, and take a backup: WAL written without a slot may be gone.',
    });
  }
  // A server that stops or starts, or somebody who ended this one connection: what was wanted is there still.
  if (/^57P0[1-5]$/.test(error.code)) {
    return new DbadminError('connection-failed', 'the server ended the connection that the WAL comes over', parts);
  }
  // From 18 on. It says so before it looks for any WAL: that may be there still.
  if (error.code === '55000' && wanted.slot !== undefined) {
    return new DbadminError('slot-invalidated', `the server has given up replication slot ${wanted.slot}`, {
      ...parts,
      hint: 'It keeps no WAL for it, and no one can use it again: drop it and create it anew.',
    });
  }
  // 58P01: removed, though the server sometimes says XX000 then. The others are positions that this server's history does not have.
  const isMissing = error.code === '58P01' || /already been removed|history|ahead of the WAL flush position/.test(error.message);
  if (isMissing) {
    return new DbadminError('wal-missing', `the server has no WAL from ${from}`, {
      ...parts,
      hint: 'Take a new backup: nothing after the last stored WAL can be recovered across this gap.',
    });
  }
  return new DbadminError('query-failed', `cannot stream WAL from ${from}`, { ...parts, hint: error.hint });
}
