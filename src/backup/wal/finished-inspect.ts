import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseControlFile } from '../../postgres/control-file.ts';

/**
 * The moment at which a finished segment in `pg_wal` held everything that its server had flushed: when the server wrote the last of it, which
 * is before it wrote anything of the next. `modifiedAt` is the file's; `now` is the most that comes of it.
 *
 * Undefined unless the data directory around it is of a primary that writes this timeline: a standby writes what came over the network, and by then
 * the primary had gone on.
 */
export async function finishedAt(file: string, timeline: number, modifiedAt: Date, now: Date): Promise<Date | undefined> {
  try {
    const control = parseControlFile(await readFile(path.join(path.dirname(path.dirname(file)), 'global', 'pg_control')));
    if (control.state !== 'in-production' || control.timeline !== timeline) return undefined;
    // Rounded to a millisecond, up as well as down.
    return new Date(Math.min(modifiedAt.getTime() - 1, now.getTime()));
  } catch {
    // Not in a data directory, or not readable in this moment.
    return undefined;
  }
}
