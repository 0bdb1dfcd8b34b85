import type { LeftSpool } from '../backup/dump/left-spools-inspect.ts';
import { formatBytes } from '../base/bytes.ts';
import { formatDuration } from '../base/durations.ts';
import { shellWord } from '../base/shell-word.ts';
import type { CommandContext } from './command.ts';

/** What a killed dump or restore left held the rows of a database: who looks for the disk's room learns where it came from. */
export function warnOfRemoved({ log }: Pick<CommandContext, 'log'>, spools: readonly string[]): void {
  for (const spool of spools) log.warn(`removed ${spool}, which a dump or restore that was killed had left behind`);
}

/** Of those that are not removed, since they may be somebody's: the same, and how they go. */
export function warnOfLeft({ log }: Pick<CommandContext, 'log'>, spools: readonly LeftSpool[]): void {
  for (const { path, sizeBytes, ageMs } of spools) {
    log.warn(
      `${path} (${formatBytes(sizeBytes)}, last written ${formatDuration(ageMs)} ago) is of another dump or restore: one that was killed, before this machine was started again or in another container, or one that runs in a container or on a machine that cannot be seen from here. Unless one does: rm -r ${shellWord(path)}`,
    );
  }
}
