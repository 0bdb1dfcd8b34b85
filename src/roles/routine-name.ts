/**
 * The SQL for how routine `p` of pg_proc is named in statements: its quoted name with the types of its input arguments.
 *
 * Where a procedure with OUT arguments has the same name, each type has IN before it: without, the server counts that
 * procedure's OUT arguments too, and refuses a name that fits both as not unique.
 *
 * @see https://www.postgresql.org/docs/current/sql-grant.html (argmode)
 */
export const ROUTINE_NAME_SQL = `pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.array_to_string(array(
  select case when exists (select from pg_catalog.pg_proc o
                            where o.proname = p.proname and o.pronamespace = p.pronamespace and o.oid <> p.oid
                              and o.prokind = 'p' and 'o' = any (o.proargmodes)) then 'IN ' else '' end
         || pg_catalog.format_type(t.type, null)
    from unnest(p.proargtypes) with ordinality as t(type, place) order by t.place), ', ') || ')'`;

/**
 * The types of the input arguments in `list`, as SQL and psql write lists: `IN bigint, OUT text` is `bigint`. A mode needs a type
 * behind it, so that a type called out is one.
 */
export function inputTypes(list: string): string {
  return splitArguments(list)
    .filter((argument) => !/^out\s+\S/i.test(argument))
    .map((argument) => argument.replace(/^(?:in\s+out|inout|in|variadic)\s+/i, ''))
    .join(', ');
}

/** At commas that are not between quotes or brackets. */
function splitArguments(list: string): readonly string[] {
  const parts = list.match(/(?:"(?:[^"]|"")*"|\([^()]*\)|[^",()]|["()])+/g) ?? [];
  return parts.map((part) => part.trim());
}
