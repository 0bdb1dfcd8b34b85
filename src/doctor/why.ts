/** Why a finding of the checks of backups matters; the first whose words are in what it is about. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^connection/, 'nothing can be done with a cluster that cannot be reached'],
  [/^replication slot/, 'a base backup takes a slot for its WAL; without one it fails'],
  [/^replication/, 'base backups and the receiving of WAL use the replication protocol'],
  [/checksums/, 'without checksums a damaged page is backed up as it is, for as long as backups are kept'],
  [/^wal_level/, 'no backup can be recovered'],
  [/max_wal_senders/, 'backups fail while others replicate'],
  [/summarize_wal|^incremental/, 'incremental backups take as long as full ones'],
  [/max_slot_wal_keep_size/, 'the database stops when the disk of pg_wal is full'],
  [/^wal receive/, 'what is not received is lost with the host'],
  [/clock/, 'recovery targets, leases and the ages of backups compare clocks'],
  [/encryption/, 'a repository leaves the building, and the database with it'],
  [/keys/, 'a lost key cannot be made again'],
  [/listing/, 'the end of the WAL cannot be told from a hole'],
  [/drill/, 'a backup that was never restored is a hope'],
  [/verified/, 'damage is found when the backup is needed'],
  [/backups|dumps/, 'what is not backed up is lost with the host'],
  [/^repository/, 'backups and WAL have nowhere to go'],
];

/** Why it matters. */
export function reasonFor(what: string): string {
  return REASONS.find(([words]) => words.test(what))?.[1] ?? 'backups or restores fail where this is wrong';
}
