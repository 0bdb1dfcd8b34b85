import { shellWord } from '../../base/shell-word.ts';
import { pgCtlLine, type KnownPrograms } from '../../postgres/pg-ctl-line.ts';

/** What a clone left on disk, and whether a server runs on it. */
export interface CloneOnDisk {
  readonly dataDirectory: string;
  readonly spoolDirectory: string;
  /** Where its tablespaces were laid down. */
  readonly tablespaces: readonly string[];
  readonly isRunning: boolean;
  readonly programs: KnownPrograms;
}

/** The shell line that throws a clone away: stop its server, which as root is somebody else's to stop, and remove what was laid down. */
export function removalWords({ dataDirectory, spoolDirectory, tablespaces, isRunning, programs }: CloneOnDisk): string {
  const remove = ['rm', '-rf', ...[dataDirectory, spoolDirectory, ...tablespaces].map(shellWord)].join(' ');
  if (!isRunning) return remove;
  return `${pgCtlLine(programs, dataDirectory, 'stop -m immediate')} && ${remove}`;
}
