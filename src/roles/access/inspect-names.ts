import type { TransactionSql } from 'postgres';
import { relationKey, type AccessDatabase, type AccessNames } from './graph.ts';
import { ROUTINE_NAME_SQL } from '../routine-name.ts';

/** What only the server can say of the names in a question: which columns a relation has, which routine is meant. */
export async function inspectNames(sql: TransactionSql, names: AccessNames): Promise<Pick<AccessDatabase, 'columnNames' | 'routineNames'>> {
  const columnNames = new Map<string, readonly string[]>();
  for (const { schema, name } of names.relations) {
    const rows = await sql<{ column: string }[]>`
      select a.attname::text as "column" from pg_catalog.pg_attribute a
        join pg_catalog.pg_class c on c.oid = a.attrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where n.nspname = ${schema} and c.relname = ${name} and a.attnum > 0 and not a.attisdropped order by a.attnum`;
    if (rows.length > 0)
      columnNames.set(
        relationKey({ schema, name }),
        rows.map(({ column }) => column),
      );
  }
  const routineNames = new Map<string, string>();
  for (const text of names.routines) {
    const found = await resolveRoutine(sql, text);
    if (found !== undefined) routineNames.set(text, found);
  }
  return { columnNames, routineNames };
}

/** The server says which routine is meant: it knows that `int` is `integer`. A type that does not exist means there is none. */
async function resolveRoutine(sql: TransactionSql, text: string): Promise<string | undefined> {
  try {
    const [row] = await sql.savepoint(
      async (attempt) =>
        await attempt<{ name: string }[]>`
        select ${attempt.unsafe(ROUTINE_NAME_SQL)} as name
          from pg_catalog.pg_proc p where p.oid = pg_catalog.to_regprocedure(${text})`,
    );
    return row?.name;
  } catch {
    return undefined;
  }
}
