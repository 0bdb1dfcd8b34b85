import { isDbadminError } from '../../base/errors.ts';
import { parseSqlFile } from '../files/migration.ts';
import type { SqlParser } from '../sql/parser.ts';
import type { RoutineFile } from '../plan.ts';
import type { Routine } from './routines.ts';

/** All routines that can be parsed; an applied one that cannot any more makes nothing. Parsed when asked for, and once. */
export function lazyRoutines(files: readonly RoutineFile[], parser: SqlParser): () => readonly Routine[] {
  let parsed: readonly Routine[] | undefined;
  return () =>
    (parsed ??= files.flatMap((each) => {
      try {
        return [{ ...each, parsed: parseSqlFile(each.file, parser) }];
      } catch (error) {
        if (isDbadminError(error, 'migration-invalid')) return [];
        throw error;
      }
    }));
}
