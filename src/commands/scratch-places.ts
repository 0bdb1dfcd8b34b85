import os from 'node:os';
import path from 'node:path';
import { textOption, type CommandContext, type CommandInput } from './command.ts';

/** Where a clone that is thrown away may be laid down, in order of preference: as --scratch or DBADMIN_SCRATCH says, else where temporary files are. */
export function scratchPlaces(context: CommandContext, input: CommandInput): readonly string[] {
  const named = textOption(input, 'scratch') ?? context.env['DBADMIN_SCRATCH'];
  if (named !== undefined && named !== '') return [path.resolve(context.cwd, named)];
  // Services that are exported have TMPDIR=/var/tmp: where /var is small, /tmp may have the room.
  return [...new Set([os.tmpdir(), '/var/tmp', '/tmp'])];
}
