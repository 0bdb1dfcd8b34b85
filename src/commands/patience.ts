/** Longer than an object storage takes to start anew, to fail over or to spread a prefix that is asked too often. */
const LONG_WORK_MS = 10 * 60_000;

/**
 * What runs for hours and begins anew when it fails. Not `backup verify`, which reports one object after the other that the storage
 * cannot read, nor what goes on where it ended, as `backup expire` does.
 */
const LONG_WORK: ReadonlySet<string> = new Set([
  'backup run',
  'backup dump',
  'backup drill',
  'backup adopt',
  'repository sync',
  'restore',
  'migrate rehearse',
  'migrate rollback',
]);

/**
 * For how long a command waits for a storage that answered before and does not now. 0, some seconds, where somebody waits for the answer,
 * and where waiting is arranged otherwise: `wal receive` and the worker begin anew, and the server calls `wal push` and `wal get` again.
 */
export function patienceOf(command: string): number {
  return LONG_WORK.has(command) ? LONG_WORK_MS : 0;
}
