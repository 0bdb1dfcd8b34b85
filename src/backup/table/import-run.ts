import { open, readFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { TransactionSql } from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { byCatalogAlone } from '../../postgres/catalog-path.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { openTableWriter, rowSecurityRefusal } from '../../postgres/table-client.ts';
import { fillNewTable, insertMissingRows, MISSING, stageMissingRows, stageRows } from './copy-apply.ts';
import { encodingBetween, inspectEncoding } from './copy-encoding.ts';
import { qualified, type TableDefinition } from './definition.ts';
import { inspectTable } from './definition-inspect.ts';
import { EXPORT_MANIFEST, EXPORT_ROWS, type ExportedTable } from './export-file.ts';
import { renamedIndexes, withFreeNames, type RenamedIndex } from './free-names.ts';
import { inspectInsert, type InsertBehaviour } from './insert-inspect.ts';
import { makeMissingSchema, takenNames } from './schema-apply.ts';
import { moveSequences, type OvertakenSequence } from './sequence-apply.ts';
import type { TableName } from './transfer-run.ts';

/** Bytes that are no text of the encoding. */
const NO_SUCH_TEXT = '22021';

export interface ImportRequest {
  readonly parameters: ConnectionParameters;
  /** Of an export. */
  readonly directory: string;
  /** Where the rows go; the name they were exported from unless given. */
  readonly to: TableName | undefined;
  /** Whether triggers of a table that is there may fire; without it one that has some is refused. */
  readonly firesTriggers?: boolean;
}

export interface ImportedTable {
  readonly to: TableName;
  readonly made: boolean;
  /** Rows of the export, and how many of them were not there. */
  readonly rows: number;
  readonly added: number;
  /** Triggers of the table that the rows that were added have fired. */
  readonly fired: readonly string[];
  /** Sequences of its columns that were behind the values of these rows. */
  readonly sequences: readonly OvertakenSequence[];
  /** Indexes of a table that was made that got another name, because something of the schema has theirs. */
  readonly renamed: readonly RenamedIndex[];
}

/**
 * Imports an exported table: into a new table, or the rows that are missing into one of the same columns. All or nothing: each row is
 * there as it was exported, or nothing is changed.
 *
 * @throws {DbadminError} `file-unreadable`, `refused` when the rows are not those that were exported, the columns differ, or the table
 * that is there would make others of them,
 * `privilege-missing` when a policy of the table that is there would hide rows or keep some out.
 */
export async function importTable(request: ImportRequest): Promise<ImportedTable> {
  const exported = await readExport(request.directory);
  // Before anything waits for the server: a stream that cannot open its file says so when nobody listens yet.
  const file = await openRows(request.directory);
  try {
    return await importRows(request, exported, () => file.createReadStream({ highWaterMark: 256 * 1024, autoClose: false }));
  } finally {
    await file.close();
  }
}

async function importRows(
  { parameters, directory, to, firesTriggers = false }: ImportRequest,
  exported: ExportedTable,
  rows: () => Readable,
): Promise<ImportedTable> {
  const target = to ?? { schema: exported.table.schema, name: exported.table.name };
  const sql = await openTableWriter(parameters, exported.textSettings === undefined ? 'own' : 'fixed');
  try {
    // Each statement has to see what was added while it waited for the lock; a database may be set to another isolation.
    return await sql.begin('isolation level read committed', async (transaction) => {
      const isThere = await byCatalogAlone(
        transaction,
        async () =>
          (await transaction`select 1 from pg_catalog.pg_class where oid = to_regclass(${qualified(target.schema, target.name)})`).length >
          0,
      );
      const encoding = encodingBetween(exported.encoding ?? 'UTF8', await inspectEncoding(transaction));
      if (isThere) {
        await byCatalogAlone(transaction, async () => {
          await refuseOtherColumns(transaction, exported.table, target);
          // Of two imports at once the second sees what the first has added: rows without a key would come twice.
          await transaction`select pg_advisory_xact_lock(hashtextextended('dbadmin table import ' || ${qualified(target.schema, target.name)}::regclass::oid, 0))`;
        });
        const staged = await stageRows(transaction, exported.table, target, rows(), encoding);
        refuseOtherRows(exported, staged.sha256, staged.rows, directory);
        const added = await stageMissingRows(transaction, exported.table, target);
        // An INSERT of no rows would fire the triggers of the statement, and what the table makes of rows concerns nobody.
        if (added === 0) return { to: target, made: false, rows: exported.rows, added, fired: [], sequences: [], renamed: [] };
        const behaviour = await byCatalogAlone(transaction, async () => await inspectInsert(transaction, target));
        refuseBehaviour(behaviour, target, firesTriggers);
        const unlike = await insertMissingRows(transaction, exported.table, target, behaviour);
        refuseUnlike(unlike, added, behaviour, target);
        const sequences = await byCatalogAlone(transaction, async () => await moveSequences(transaction, target, MISSING));
        return { to: target, made: false, rows: exported.rows, added, fired: behaviour.triggers, sequences, renamed: [] };
      }
      await makeMissingSchema(transaction, target.schema);
      const taken = (await takenNames(transaction, target.schema)).add(target.name);
      const definition = withFreeNames(exported.table, target.name, taken);
      const copied = await fillNewTable(transaction, definition, target, rows(), encoding);
      refuseOtherRows(exported, copied.sha256, copied.rows, directory);
      const renamed = renamedIndexes(exported.table, definition);
      return { to: target, made: true, rows: exported.rows, added: exported.rows, fired: [], sequences: [], renamed };
    });
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    const refusal = rowSecurityRefusal(parameters, error);
    if (refusal !== undefined) throw refusal;
    throw new DbadminError('query-failed', `${qualified(target.schema, target.name)} was not imported, and nothing was changed`, {
      detail: messageOf(error),
      hint:
        systemCodeOf(error) === NO_SUCH_TEXT && exported.encoding === 'SQL_ASCII'
          ? 'It was exported from a database of encoding SQL_ASCII, and holds bytes that are no UTF-8: only another of that encoding takes them as they are.'
          : undefined,
      cause: error,
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function readExport(directory: string): Promise<ExportedTable> {
  const file = path.join(directory, EXPORT_MANIFEST);
  let exported: ExportedTable;
  try {
    exported = JSON.parse(await readFile(file, 'utf8')) as ExportedTable;
  } catch (error) {
    throw new DbadminError('file-unreadable', `${directory} holds no exported table`, {
      detail: messageOf(error),
      hint: `An export is complete when its ${EXPORT_MANIFEST} is there.`,
      cause: error,
    });
  }
  if (exported.format === 1) return exported;
  throw new DbadminError('file-unreadable', `${file} has format ${String(exported.format)}, and this dbadmin knows format 1`);
}

async function openRows(directory: string): Promise<FileHandle> {
  const file = path.join(directory, EXPORT_ROWS);
  try {
    return await open(file);
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read ${file}`, {
      detail: messageOf(error),
      hint: `An export is both ${EXPORT_MANIFEST} and ${EXPORT_ROWS}: take another copy of it.`,
      cause: error,
    });
  }
}

/** Thrown inside of the transaction: what was copied goes with it. */
function refuseOtherRows(exported: ExportedTable, sha256: string, rows: number, directory: string): void {
  if (sha256 === exported.sha256 && rows === exported.rows) return;
  throw new DbadminError('refused', `${path.join(directory, EXPORT_ROWS)} is not what was exported`, {
    detail: `It has ${rows} rows with SHA-256 ${sha256}; ${exported.rows} with ${exported.sha256} were exported. Nothing was imported.`,
    hint: 'Take another copy of the export.',
  });
}

/** A row that a trigger changes is not the one that was exported, and a second import would add it again. */
function refuseBehaviour({ triggers, rules }: InsertBehaviour, to: TableName, firesTriggers: boolean): void {
  const table = qualified(to.schema, to.name);
  if (rules.length > 0) {
    throw new DbadminError('refused', `${table} has rules that rewrite an INSERT: ${rules.join(', ')}`, {
      detail: 'Nobody can tell what they make of the rows. Nothing was imported.',
      hint: 'Import it as another table with --as SCHEMA.TABLE, and insert from there as the rules are meant.',
    });
  }
  if (triggers.length === 0 || firesTriggers) return;
  throw new DbadminError('refused', `${table} has triggers that fire at an INSERT: ${triggers.join(', ')}`, {
    detail: 'They may change rows, keep them out, or tell others of them as if they were new. Nothing was imported.',
    hint: `Give --fire-triggers where that is meant. Otherwise import it as another table with --as SCHEMA.TABLE and insert from there, or switch them off for so long: ALTER TABLE ${table} DISABLE TRIGGER NAME.`,
  });
}

/** Thrown inside of the transaction: what was inserted goes with it. */
function refuseUnlike(unlike: number, added: number, { triggers, generated }: InsertBehaviour, to: TableName): void {
  if (unlike === 0) return;
  const causes = [
    ...(triggers.length === 0 ? [] : [`its triggers (${triggers.join(', ')}) changed them or kept them out`]),
    ...(generated.length === 0 ? [] : [`its generated columns (${generated.join(', ')}) have other values`]),
  ];
  throw new DbadminError('refused', `${unlike} of ${added} rows would not be in ${qualified(to.schema, to.name)} as they were exported`, {
    detail: `It may be that ${causes.join(', or that ')}. Nothing was imported.`,
    hint: 'Import it as another table with --as SCHEMA.TABLE, and insert from there what is to be inserted.',
  });
}

async function refuseOtherColumns(transaction: TransactionSql, table: TableDefinition, to: TableName): Promise<void> {
  const there = await inspectTable(transaction, to.schema, to.name);
  const describe = ({ columns }: TableDefinition): string => columns.map(({ name, type }) => `${name} ${type}`).join(', ');
  if (describe(there) === describe(table)) return;
  throw new DbadminError('refused', `${qualified(to.schema, to.name)} has other columns than the exported table`, {
    detail: `It has ${describe(there)}; the export has ${describe(table)}.`,
    hint: 'Import it as another table with --as SCHEMA.TABLE.',
  });
}
