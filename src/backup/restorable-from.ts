import type { BackupSummary } from '../repository/manifest.ts';

/** From the second that a checkpoint says it began in to the position that it begins at. */
export const CHECKPOINT_BEGINS_MS = 2000;

/**
 * From which moment on a backup is offered: when it ended. That is by the tool's clock, and moments are by the server's: where the last checkpoint
 * that the backup knows began later than that, the tool's clock was behind, and the checkpoint decides.
 */
export function restorableFrom({ finishedAt, checkpointAt }: Pick<BackupSummary, 'finishedAt' | 'checkpointAt'>): Date {
  const ended = new Date(finishedAt);
  const began = checkpointAt === undefined ? ended : new Date(checkpointAt);
  return ended >= began ? ended : new Date(began.getTime() + CHECKPOINT_BEGINS_MS);
}
