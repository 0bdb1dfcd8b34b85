import { inspectLineage, readLineage } from '../../src/backup/lineage-inspect.ts';
import { recoverableUntil } from '../../src/backup/restore/recover-along.ts';
import type { Repository } from '../../src/repository/repository.ts';

/** Waits until everything before `lsn` can be restored from the repository; gives up after ten seconds. */
export async function waitUntilStored(repository: Repository, lsn: bigint): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const contents = await inspectLineage(repository, 'main');
    const lineage = await readLineage(contents);
    if (contents.backups.some((backup) => (recoverableUntil(backup, lineage, contents.coverage) ?? 0n) >= lsn)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the WAL did not come into the repository');
}
