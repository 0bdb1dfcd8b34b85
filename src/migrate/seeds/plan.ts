import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { parseSqlFile, type ParsedSql, type SqlFile } from '../files/migration.ts';
import type { SqlParser } from '../sql/parser.ts';

/** A file of `sql/seeds/<environment>`. */
export interface SeedFile {
  /** `environment/name`, as the history has it. */
  readonly name: string;
  readonly file: SqlFile;
}

export interface PendingSeed extends SeedFile {
  readonly parsed: ParsedSql;
  readonly change: 'new' | 'changed';
}

export interface SeedPlan {
  /** In the order of their names. */
  readonly pending: readonly PendingSeed[];
  readonly problems: readonly DbadminError[];
}

/** Seeds whose text is not the one that was put in last. `applied` is that one's sha256 by name. */
export function planSeeds(files: readonly SeedFile[], applied: ReadonlyMap<string, string>, parser: SqlParser): SeedPlan {
  const pending: PendingSeed[] = [];
  const problems: DbadminError[] = [];
  for (const { name, file } of files) {
    const before = applied.get(name);
    if (before === file.sha256) continue;
    try {
      const parsed = parseSqlFile(file, parser);
      if (!parsed.directives.transaction)
        throw new DbadminError('migration-invalid', `${file.path}: no-transaction is for versioned files`);
      if (parsed.down !== undefined) throw new DbadminError('migration-invalid', `${file.path}: a down section is for versioned files`);
      pending.push({ name, file, parsed, change: before === undefined ? 'new' : 'changed' });
    } catch (error) {
      if (!isDbadminError(error, 'migration-invalid')) throw error;
      problems.push(error);
    }
  }
  return { pending, problems };
}
