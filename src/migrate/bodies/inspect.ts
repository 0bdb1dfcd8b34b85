import { systemCodeOf, messageOf } from '../../base/errors.ts';
import { quoteName } from '../../postgres/quote.ts';
import type { Queryable } from '../session/session.ts';
import type { BodyCheck, BodyError } from './plan.ts';

/** Routines to look into: not the system's, an extension's, or the history's. `$1` is the schema of the history. */
const FROM = `
  pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_language l on l.oid = p.prolang`;

const WHERE = `
  n.nspname !~ '^pg_' and n.nspname not in ('information_schema', $1) and p.prokind in ('f', 'p')
  and not exists (
    select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass::oid and d.objid = p.oid and d.deptype = 'e')
  and pg_catalog.has_function_privilege(p.oid, 'execute') and pg_catalog.has_schema_privilege(n.oid, 'usage')`;

/**
 * Looks into the bodies of all routines, in the open transaction: PL/pgSQL by plpgsql_check where it is installed in this
 * database, SQL by PostgreSQL itself, each with its own search_path. Nothing is left changed, and no extension is made.
 */
export async function inspectBodies(session: Queryable, historySchema: string): Promise<BodyCheck> {
  const [extension] = await session.query<{ schema: string }>(
    `select n.nspname::text as schema from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
     where e.extname = 'plpgsql_check'`,
  );
  const [before] = await session.query<{ path: string; usual: string }>(
    `select pg_catalog.set_config('check_function_bodies', 'on', true), pg_catalog.current_setting('search_path') as path,
       (select reset_val from pg_catalog.pg_settings where name = 'search_path') as usual`,
  );
  const path = before?.path ?? '';
  // What a session begins with: here the path may be that of a file, or of the row in the history.
  const usual = before?.usual ?? '';
  const errors = [...(await inspectSql(session, historySchema, usual))];
  await session.query("select pg_catalog.set_config('search_path', $1, true)", [usual]);
  let unchecked = 0;
  if (extension === undefined) {
    const [row] = await session.query<{ count: number }>(
      `select pg_catalog.count(*)::int as count from ${FROM} where ${WHERE} and l.lanname = 'plpgsql'`,
      [historySchema],
    );
    unchecked = row?.count ?? 0;
  } else errors.push(...(await inspectPlpgsql(session, historySchema, extension.schema)));
  await session.query("select pg_catalog.set_config('search_path', $1, true)", [path]);
  return { errors, unchecked };
}

interface RoutineRow {
  readonly oid: string;
  readonly identity: string;
  readonly schema: string;
  readonly name: string;
  readonly path: string | null;
}

/** The validator of SQL functions parses and analyses the body as CREATE FUNCTION does. BEGIN ATOMIC is bound to what it names. */
async function inspectSql(session: Queryable, historySchema: string, usualPath: string): Promise<readonly BodyError[]> {
  const routines = await session.query<RoutineRow>(
    `select p.oid::text as oid, (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0)).identity,
       n.nspname::text as schema, p.proname::text as name,
       (select pg_catalog.substr(c, 13) from pg_catalog.unnest(p.proconfig) c where c like 'search\\_path=%' limit 1) as path
     from ${FROM} where ${WHERE} and l.lanname = 'sql' and p.prosqlbody is null order by 2`,
    [historySchema],
  );
  const groups = Map.groupBy(routines, ({ path }) => path ?? usualPath);
  const errors: BodyError[] = [];
  for (const [path, group] of groups) {
    await session.query('savepoint dbadmin_bodies');
    try {
      await validate(
        session,
        path,
        group.map(({ oid }) => oid),
      );
      await session.query('release savepoint dbadmin_bodies');
      continue;
    } catch (error) {
      if (systemCodeOf(error) === undefined) throw error;
      await session.query('rollback to savepoint dbadmin_bodies');
    }
    for (const routine of group) {
      try {
        await validate(session, path, [routine.oid]);
      } catch (error) {
        const code = systemCodeOf(error);
        if (code === undefined || !isBodyFault(code)) throw error;
        await session.query('rollback to savepoint dbadmin_bodies');
        errors.push({ ...routineOf(routine), ...faultOf(error, code) });
      }
    }
    await session.query('release savepoint dbadmin_bodies');
  }
  return errors;
}

async function validate(session: Queryable, path: string, oids: readonly string[]): Promise<void> {
  await session.query(`set local search_path = ${path === '' ? "''" : path}`);
  await session.query('select pg_catalog.fmgr_sql_validator(o) from pg_catalog.unnest($1::oid[]) o', [oids]);
}

/** Errors of a body are about names, types and syntax: not about locks, the connection or memory. */
function isBodyFault(code: string): boolean {
  return /^(42|22|0A|3F|P0)/.test(code) && code !== '42501';
}

function routineOf({ identity, schema, name }: RoutineRow): Pick<BodyError, 'routine' | 'schema' | 'name' | 'table'> {
  return { routine: identity, schema, name, table: undefined };
}

function faultOf(error: unknown, sqlState: string): Pick<BodyError, 'line' | 'sqlState' | 'message' | 'detail' | 'hint' | 'query'> {
  const { detail, hint, internalPosition, internalQuery } = error as {
    readonly detail?: string;
    readonly hint?: string;
    readonly internalPosition?: string;
    readonly internalQuery?: string;
  };
  const at = Number(internalPosition ?? 0);
  const line = at > 0 ? (internalQuery ?? '').slice(0, at - 1).split('\n').length : undefined;
  return { line, sqlState, message: messageOf(error), detail, hint, query: undefined };
}

interface FoundRow extends RoutineRow {
  readonly table: string | null;
  readonly lineno: number | null;
  readonly sqlstate: string | null;
  readonly message: string;
  readonly detail: string | null;
  readonly hint: string | null;
  readonly query: string | null;
}

/**
 * A trigger function is checked once for each table that has it, with the transition tables of all its triggers there; without
 * a trigger there is nothing to check it against.
 */
async function inspectPlpgsql(session: Queryable, historySchema: string, extensionSchema: string): Promise<readonly BodyError[]> {
  const rows = await session.query<FoundRow>(
    `select f.identity, f.schema, f.name, f.relid::regclass::text as table, c.lineno, c.sqlstate, c.message, c.detail, c.hint, c.query
     from (
       select p.oid, (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0)).identity, n.nspname::text as schema,
         p.proname::text as name, t.tgrelid as relid, t.old_table, t.new_table
       from ${FROM}
       left join (
         select tgfoid, tgrelid, pg_catalog.max(tgoldtable) as old_table, pg_catalog.max(tgnewtable) as new_table
         from pg_catalog.pg_trigger where not tgisinternal group by tgfoid, tgrelid
       ) t on t.tgfoid = p.oid
       where ${WHERE} and l.lanname = 'plpgsql' and (p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype::oid or t.tgrelid is not null)
     ) f
     cross join lateral ${quoteName(extensionSchema)}.plpgsql_check_function_tb(f.oid::regprocedure, coalesce(f.relid, 0)::regclass,
       fatal_errors := false, other_warnings := false, performance_warnings := false, extra_warnings := false, oldtable := f.old_table, newtable := f.new_table) c
     where c.level = 'error' order by f.identity, c.lineno`,
    [historySchema],
  );
  return rows.map((row) => ({
    ...routineOf(row),
    table: row.table ?? undefined,
    line: row.lineno ?? undefined,
    sqlState: row.sqlstate ?? '',
    message: row.message,
    detail: row.detail ?? undefined,
    hint: row.hint ?? undefined,
    query: row.query ?? undefined,
  }));
}
