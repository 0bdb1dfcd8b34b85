import type postgres from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';

/** Rows about a person in one table. */
export interface PersonalRows {
  readonly table: string;
  readonly rows: number;
}

/** What the warehouse has about a listener. @throws {DbadminError} `load-failed`, `privilege-missing` */
export async function findPersonalRows(sql: postgres.Sql, listener: string): Promise<readonly PersonalRows[]> {
  return rowsOf(await sql`select table_name as table, rows_found as rows from core.count_personal_rows(${listener})`.catch(refuse));
}

/** Their number in the warehouse; undefined for one of whom only landed rows are there. */
export async function findListenerId(sql: postgres.Sql, listener: string): Promise<string | undefined> {
  const [row] = await sql`select listener_id from core.listener where name = ${listener}`.catch(refuse);
  return row === undefined ? undefined : String(row['listener_id']);
}

/** Where pages of a listener landed, as raw knows it. */
export async function findLandedKeys(sql: postgres.Sql, listener: string): Promise<readonly string[]> {
  const rows = await sql`
    select distinct regexp_replace(p.object_key, '#[0-9]+$', '') as key from raw.page as p join raw.batch as b using (batch_id)
    where b.listener_name = ${listener} and p.object_key is not null order by 1`.catch(refuse);
  return rows.map(({ key }) => String(key));
}

/**
 * Erases a listener from the warehouse, all or nothing; the database proves that nothing remains.
 *
 * @throws {DbadminError} `load-failed` when something remained, `privilege-missing`
 */
export async function erasePersonalRows(sql: postgres.Sql, listener: string): Promise<readonly PersonalRows[]> {
  return rowsOf(await sql`select table_name as table, rows_erased as rows from core.erase_listener(${listener})`.catch(refuse));
}

function rowsOf(rows: readonly postgres.Row[]): readonly PersonalRows[] {
  return rows.map(({ table, rows: count }) => ({ table: String(table), rows: Number(count) }));
}

function refuse(error: unknown): never {
  const code = systemCodeOf(error);
  if (code === '42501') {
    throw new DbadminError('privilege-missing', 'this role may not erase a listener', {
      detail: messageOf(error),
      hint: 'Connect as the owner of the warehouse, or as a DBA who may become it.',
      cause: error,
    });
  }
  if (code === '42883' || code === '3F000') {
    throw new DbadminError('load-failed', 'the database is not a warehouse that can forget', {
      hint: 'Bring it up to date: dbadmin migrate.',
      cause: error,
    });
  }
  throw new DbadminError('load-failed', 'the listener was not erased', {
    detail: `${messageOf(error)}. Nothing was changed.`,
    cause: error,
  });
}
