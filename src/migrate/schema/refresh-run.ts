import path from 'node:path';
import { isDbadminError } from '../../base/errors.ts';
import { readFiles, type MigrationDirectories } from '../inspect.ts';
import { dumpSchema, type SchemaDumpOptions } from './dump-run.ts';
import { writeLock } from './lock-file-apply.ts';
import { writeWhole } from './write-apply.ts';

export interface RefreshOptions extends SchemaDumpOptions {
  readonly directories: MigrationDirectories;
}

export interface RefreshedFiles {
  /** Whether the lock file was another one. */
  readonly lockChanged: boolean;
  /** `left` where no pg_dump of the server's major or newer is there: the file stays as it was. */
  readonly schema: { readonly kind: 'written' | 'unchanged' } | { readonly kind: 'left'; readonly why: string };
}

/** The canonical dump lies beside the directory of versioned files: `sql/schema.sql`. */
export function schemaPath({ migrations }: MigrationDirectories): string {
  return path.join(path.dirname(migrations), 'schema.sql');
}

/** How messages name it. */
export function schemaShown(directories: MigrationDirectories): string {
  return path.relative(directories.project, schemaPath(directories)).split(path.sep).join('/');
}

/**
 * Brings `migrations.lock` and `schema.sql` up to what the files and the database are now; each written whole or not at all.
 *
 * @throws {DbadminError} `program-failed`, `file-unwritable`; a missing pg_dump is an answer, not a failure.
 */
export async function refreshSchemaFiles(options: RefreshOptions): Promise<RefreshedFiles> {
  const { directories } = options;
  const lockChanged = await writeLock(directories, await readFiles(directories));
  try {
    const changed = await writeWhole(schemaPath(directories), await dumpSchema(options));
    return { lockChanged, schema: { kind: changed ? 'written' : 'unchanged' } };
  } catch (error) {
    if (!isDbadminError(error, 'program-missing')) throw error;
    return { lockChanged, schema: { kind: 'left', why: error.message } };
  }
}
