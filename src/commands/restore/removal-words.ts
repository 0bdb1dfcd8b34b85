import path from 'node:path';
import { shellQuote } from '../../base/shell-word.ts';
import type { ServerPrograms } from '../../postgres/server.ts';

/** What a clone left on disk, and whether a server runs on it. */
export interface CloneOnDisk {
  readonly dataDirectory: string;
  readonly spoolDirectory: string;
  /** Where its tablespaces were laid down. */
  readonly tablespaces: readonly string[];
  readonly isRunning: boolean;
  readonly programs: ServerPrograms | undefined;
}

/** The shell line that throws a clone away: stop its server, which as root is somebody else's to stop, and remove what was laid down. */
export function removalWords({ dataDirectory, spoolDirectory, tablespaces, isRunning, programs }: CloneOnDisk): string {
  const remove = ['rm', '-rf', ...[dataDirectory, spoolDirectory, ...tablespaces].map(shellQuote)].join(' ');
  if (!isRunning) return remove;
  const pgCtl = programs === undefined ? 'pg_ctl' : shellQuote(path.join(programs.binDirectory, 'pg_ctl'));
  const user = programs?.runAs === undefined ? '' : `runuser -u ${shellQuote(programs.runAs.name)} -- `;
  return `${user}${pgCtl} -D ${shellQuote(dataDirectory)} stop -m immediate && ${remove}`;
}
