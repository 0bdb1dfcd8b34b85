import { note, ok, problem, type Finding } from './finding.ts';

/** What the server says of itself. Text as `current_setting` gives it. */
export interface ServerSettings {
  /** `server_version_num`. */
  readonly version: number;
  readonly walLevel: string;
  readonly maxWalSenders: number;
  /** Without those that are held for moments only. */
  readonly sendersUsed: number;
  readonly maxSlotWalKeepSize: string;
  /** Undefined before 17. */
  readonly summarizeWal: string | undefined;
  readonly slot: { readonly isActive: boolean; readonly status: string | null } | undefined;
}

/**
 * What the settings mean for backups. Two senders are needed: one for the content, one for its WAL. `isArchived` says that the policies leave
 * the WAL to archive_command.
 */
export function judgeSettings(settings: ServerSettings, slot: string, isArchived = false): readonly Finding[] {
  return [judgeWalLevel(settings), judgeSenders(settings), ...judgeSummaries(settings), ...judgeSlot(settings, slot, isArchived)];
}

function judgeWalLevel({ walLevel }: ServerSettings): Finding {
  if (walLevel !== 'minimal') return ok('wal_level', walLevel);
  return problem(
    'wal_level',
    'minimal: the WAL does not hold what a recovery needs',
    'ALTER SYSTEM SET wal_level = replica;  -- then restart',
  );
}

/** Above this one segment is more than all the rest that a process holds. */
const USUAL_SEGMENT_BYTES = 64 * 2 ** 20;

/** A segment is received, read and restored whole: said of those that take processes over what they have otherwise. */
export function judgeSegments(walSegmentBytes: number): readonly Finding[] {
  if (walSegmentBytes <= USUAL_SEGMENT_BYTES) return [];
  const [one, three] = [walSegmentBytes, 3 * walSegmentBytes].map((bytes) => `${bytes / 2 ** 20} MB`);
  return [
    note(
      'wal_segment_size',
      `${one}: a segment is held in memory whole, once by wal receive, push and get and by a backup, up to three times (${three}) by a restore, beside some 250 MB for the rest`,
      'have that memory on the machines that receive and restore; the size was chosen by initdb --wal-segsize',
    ),
  ];
}

/** The receiver's second sender is held for moments: without it a backup works, but one that begins just then is refused. */
function judgeSenders({ maxWalSenders, sendersUsed, slot }: ServerSettings): Finding {
  const free = maxWalSenders - sendersUsed;
  const used = `${maxWalSenders}, ${sendersUsed} in use`;
  const fix = `ALTER SYSTEM SET max_wal_senders = ${sendersUsed + 5};  -- then restart`;
  if (free < 2) return problem('max_wal_senders', `${used}: a backup takes two`, fix);
  const forReceiver = slot?.isActive === true ? 1 : 2;
  if (free >= 2 + forReceiver) return ok('max_wal_senders', used);
  return note('max_wal_senders', `${used}: a backup takes two, wal receive one and, for moments, another`, fix);
}

/** With summaries the server itself tells which blocks changed; without, an incremental reads and sends everything. */
function judgeSummaries({ version, summarizeWal }: ServerSettings): readonly Finding[] {
  if (summarizeWal === 'on') return [ok('summarize_wal', 'on: incremental backups read only what changed')];
  if (version >= 170_000) {
    return [
      note(
        'summarize_wal',
        'off: an incremental backup reads and sends the whole cluster to find what changed',
        'ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();',
      ),
    ];
  }
  return [
    note(
      'incremental',
      `PostgreSQL ${Math.floor(version / 10_000)} cannot tell what changed: an incremental backup reads the whole cluster and stores what changed`,
      'upgrade the server: from PostgreSQL 17 on it tells, with summarize_wal',
    ),
  ];
}

function judgeSlot({ slot, maxSlotWalKeepSize }: ServerSettings, name: string, isArchived: boolean): readonly Finding[] {
  if (slot === undefined && isArchived)
    return [ok('wal receive', 'not wanted: the policies have archive_command store the WAL; dbadmin wal status tells how it comes')];
  if (slot === undefined)
    return [note('wal receive', `no slot ${name} yet: only backups bring WAL, so moments between them are lost`, 'dbadmin wal receive')];
  const limit =
    maxSlotWalKeepSize === '-1'
      ? [
          note(
            'max_slot_wal_keep_size',
            'not set: a slot that nobody reads can fill the disk',
            "ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; SELECT pg_reload_conf();",
          ),
        ]
      : [];
  if (slot.status === 'lost') {
    const fix = 'dbadmin wal receive makes it anew and records the gap; then dbadmin backup run';
    return [problem('wal receive', `slot ${name} is lost: the server removed WAL that was not stored`, fix), ...limit];
  }
  if (!slot.isActive) {
    const detail = `slot ${name} is there and nobody reads it: the server keeps WAL until its disk is full`;
    const fix = isArchived
      ? 'dbadmin wal receive --drop-slot, since the policies have archive_command store the WAL'
      : 'dbadmin wal receive, or give the slot up with --drop-slot';
    return [problem('wal receive', detail, fix), ...limit];
  }
  return [ok('wal receive', `slot ${name} is being read`), ...limit];
}
