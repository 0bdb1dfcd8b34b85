import { readFiles, readHistory } from '../../migrate/inspect.ts';
import { parseSqlFile, type MigrationFile } from '../../migrate/files/migration.ts';
import { sortKey } from '../../migrate/files/names.ts';
import { openSession } from '../../migrate/session/session.ts';
import { asNode, asText, loadSqlParser, type SqlParser } from '../../migrate/sql/parser.ts';
import type { RolesDocument } from '../../roles/document/document.ts';
import { withoutSchemas } from '../../roles/document/without-schemas.ts';
import type { ObservedState } from '../../roles/state.ts';
import type { RolesProject } from './load-roles.ts';

/** The roles file without what has to wait for migrations, and what that is. */
export interface PresentDocument {
  readonly document: RolesDocument;
  /** Sentences without the last stop. */
  readonly notes: readonly string[];
}

/**
 * Leaves to the migrations of the project the schemas that one of them is about to make, and that of their own history: a
 * `CREATE SCHEMA` would fail on one that roles had made before it, and what the file names in it is not there yet. What the file
 * says about such a schema waits with it. So roles can be applied before the first migration, which may need them, and again
 * after it.
 *
 * Only for the database that the migrations are applied to. Files are read when a schema is missing and not otherwise.
 */
export async function leaveToMigrations(project: RolesProject, { databases }: ObservedState): Promise<PresentDocument> {
  const { document, cluster } = project;
  const { database } = cluster.connection;
  const there = databases.get(database)?.schemas;
  const missing = [...(document.databases.get(database)?.schemas.keys() ?? [])].filter((name) => there?.has(name) === false);
  if (missing.length === 0) return { document, notes: [] };
  const makers = await pendingMakers(project);
  const left = missing.filter((name) => makers.has(name));
  const files = [...new Set(left.map((name) => makers.get(name) ?? ''))];
  return {
    document: withoutSchemas(document, database, new Set(left)),
    notes: files.map((file) =>
      waitNote(
        file,
        left.filter((name) => makers.get(name) === file),
      ),
    ),
  };
}

function waitNote(file: string, schemas: readonly string[]): string {
  const waits = 'waits for dbadmin migrate, and for an apply after that';
  return schemas.length === 1
    ? `schema ${schemas.join()} is left to ${file}, which makes it: what the file says about it ${waits}`
    : `schemas ${schemas.join(', ')} are left to ${file}, which makes them: what the file says about them ${waits}`;
}

/** Schemas to the pending migration that makes each. */
async function pendingMakers(project: RolesProject): Promise<ReadonlyMap<string, string>> {
  const { config } = project;
  const { migrations, routines } = config.paths;
  const found = await readFiles({ project: config.directory, migrations, routines });
  if (found.migrations.length === 0) return new Map();
  const files = found.migrations.filter(({ file }) => /\bcreate\s+schema\b/i.test(file.text));
  const applied = await appliedVersions(project);
  const parser = await loadSqlParser();
  const makers = new Map([[config.migrate.schema, 'dbadmin migrate']]);
  for (const file of files.filter(({ name }) => !applied.has(sortKey(name.version)))) {
    for (const schema of createdSchemas(file, parser)) if (!makers.has(schema)) makers.set(schema, file.name.file);
  }
  return makers;
}

/** Nothing is applied where the history cannot be read: then a schema waits that somebody dropped, which opens nothing. */
async function appliedVersions({ config, cluster, connection }: RolesProject): Promise<ReadonlySet<string>> {
  const session = await openSession({ ...connection, database: cluster.connection.database }, { applicationName: 'dbadmin roles' });
  try {
    const { applied } = await readHistory(session, config.migrate.schema);
    return new Set([...applied.keys()].map(sortKey));
  } catch {
    return new Set();
  } finally {
    await session.close();
  }
}

/** A file that is no SQL is for `migrate` to complain of. */
function createdSchemas({ file }: MigrationFile, parser: SqlParser): readonly string[] {
  try {
    return parseSqlFile(file, parser).statements.flatMap(({ node }) => {
      const created = asNode(node?.['CreateSchemaStmt']);
      const name = asText(created['schemaname']) ?? asText(asNode(created['authrole'])['rolename']);
      return node?.['CreateSchemaStmt'] === undefined || name === undefined ? [] : [name];
    });
  } catch {
    return [];
  }
}
