import { DbadminError } from '../../base/errors.ts';
import type { History } from '../history/history.ts';
import type { MigrationFile } from '../files/migration.ts';
import { compareVersions, sortKey } from '../files/names.ts';
import type { SqlParser } from '../sql/parser.ts';
import type { DecisionRow } from '../history/repair-rows.ts';
import { compareSchemas } from '../schema/compare.ts';
import type { Difference } from '../schema/difference.ts';

/**
 * The rows that say that all files up to `version` are applied.
 *
 * @throws {DbadminError} `refused` when the database has a history; `usage` when no file has that version.
 */
export function planBaseline(version: string, migrations: readonly MigrationFile[], history: History): readonly DecisionRow[] {
  const known = history.applied.size + history.begun.size + history.routines.size;
  if (known > 0) {
    throw new DbadminError('refused', 'this database has a history already', {
      detail: `${history.applied.size} versions and ${history.routines.size} routines are applied, ${history.begun.size} files are begun.`,
      hint: 'A baseline is where a history begins. See dbadmin migrate status; for one file that is wrong: dbadmin migrate repair.',
    });
  }
  if (!migrations.some(({ name }) => sortKey(name.version) === sortKey(version))) {
    const versions = migrations.map(({ name }) => name.version);
    throw new DbadminError('usage', `no file has version ${version}`, {
      detail: versions.length === 0 ? 'There are no versioned files.' : `The newest is ${versions.at(-1) ?? ''}.`,
      hint: 'Write what the database holds today as the first file: dbadmin migrate dump --stdout shows it as SQL.',
    });
  }
  return migrations
    .filter(({ name }) => compareVersions(name.version, version) <= 0)
    .map(({ name, file }) => ({ kind: 'baseline', version: name.version, name: name.file, sha256: file.sha256, body: file.text }));
}

/**
 * Where the live schema is not what the files up to the baseline make. Nothing is said of what the routines make of it: they are
 * applied by the next run, whatever is there now. `withRoutines` is undefined where they cannot run yet.
 */
export function baselineDifferences(
  versioned: string,
  withRoutines: string | undefined,
  live: string,
  parser: SqlParser,
): readonly Difference[] {
  const plain = compareSchemas(versioned, live, parser);
  if (withRoutines === undefined) return plain;
  const keyOf = ({ type, name }: Difference): string => `${type} ${name}`;
  const still = new Set(compareSchemas(withRoutines, live, parser).map(keyOf));
  const byRoutines = new Set(compareSchemas(versioned, withRoutines, parser).map(keyOf));
  return plain.filter((each) => still.has(keyOf(each)) && !byRoutines.has(keyOf(each)));
}
