import { DbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { quoteIdentifier } from '../../postgres/quote.ts';
import { droppedNames, relation } from '../sql/classify.ts';
import { asText, nodeType } from '../sql/parser.ts';
import type { Statement } from '../files/migration.ts';
import type { Queryable } from '../session/session.ts';

/** The index that a CREATE INDEX CONCURRENTLY makes. */
export interface ConcurrentIndex {
  readonly name: string;
  /** As written, quoted. */
  readonly table: string;
}

/** The index a statement builds concurrently, or undefined when it builds none. */
export function concurrentIndexOf({ node }: Statement): ConcurrentIndex | undefined {
  const { type, fields } = nodeType(node ?? {});
  const [name, table] = [asText(fields['idxname']), relation(fields['relation'])];
  return type === 'IndexStmt' && fields['concurrent'] === true && name !== undefined && table !== undefined ? { name, table } : undefined;
}

/** What stands in the database under the name of an index on its table. */
export async function findIndex(
  session: Queryable,
  index: ConcurrentIndex,
): Promise<{ readonly valid: boolean; readonly sql: string } | undefined> {
  const [row] = await session.query<{ indisvalid: boolean; schema: string; building: boolean }>(
    `select i.indisvalid, n.nspname as schema,
       exists (select from pg_catalog.pg_stat_progress_create_index p where p.index_relid = i.indexrelid) as building
     from pg_catalog.pg_index i
     join pg_catalog.pg_class c on c.oid = i.indexrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relname = $1 and i.indrelid = pg_catalog.to_regclass($2)::oid`,
    [index.name, index.table],
  );
  if (row === undefined) return undefined;
  const sql = `${quoteIdentifier(row.schema)}.${quoteIdentifier(index.name)}`;
  if (row.building)
    throw new DbadminError('locked', `index ${sql} is being built by another session`, { hint: 'Let it end and run this again.' });
  return { valid: row.indisvalid, sql };
}

/** Drops the INVALID index that an interrupted or failed build left, so that it can be built again. */
export async function dropInvalidIndex(session: Queryable, index: ConcurrentIndex, log: Log): Promise<void> {
  const found = await findIndex(session, index);
  if (found === undefined || found.valid) return;
  await session.query(`drop index concurrently if exists ${found.sql}`);
  log.warn(`index ${found.sql} was INVALID, left by a build that did not end; dropped`);
}

/** Whether an interrupted statement had its effect: the index is built and valid, or the dropped one is gone. */
export async function alreadyDone(session: Queryable, statement: Statement): Promise<boolean> {
  const index = concurrentIndexOf(statement);
  if (index !== undefined) return (await findIndex(session, index))?.valid === true;
  const { type, fields } = nodeType(statement.node ?? {});
  if (type !== 'DropStmt' || fields['concurrent'] !== true) return false;
  for (const name of droppedNames(fields)) {
    const [row] = await session.query<{ there: boolean }>('select pg_catalog.to_regclass($1) is not null as there', [name]);
    if (row?.there === true) return false;
  }
  return true;
}
