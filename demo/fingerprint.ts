import type { Sql } from 'postgres';

/** What a table holds: how many rows, and a digest of all of them that does not depend on their order. */
export interface Fingerprint {
  readonly table: string;
  readonly rows: number;
  readonly digest: string;
}

const SCHEMAS = ['raw', 'quality', 'core', 'mart', 'reco', 'audit', 'dbadmin', 'demo'];

/** The fingerprints of every table of the demo's schemas, by name. Each row is hashed by itself and the hashes are added. */
export async function fingerprint(sql: Sql): Promise<readonly Fingerprint[]> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ${sql(SCHEMAS)} order by 1`;
  const prints: Fingerprint[] = [];
  for (const { name } of tables) {
    const [row] = await sql.unsafe<{ rows: string; digest: string | null }[]>(
      `select count(*)::text as rows, sum(('x' || left(md5(t::text), 15))::bit(60)::bigint)::text as digest from ${name} t`,
    );
    prints.push({ table: name, rows: Number(row?.rows ?? 0), digest: row?.digest ?? '' });
  }
  return prints;
}

/** The tables that differ between two states, in words. */
export function differences(before: readonly Fingerprint[], after: readonly Fingerprint[]): readonly string[] {
  const found = new Map(after.map((print) => [print.table, print]));
  const expected = new Set(before.map(({ table }) => table));
  return [
    ...before.flatMap((print) => {
      const there = found.get(print.table);
      if (there === undefined) return [`${print.table} is missing`];
      return there.rows === print.rows && there.digest === print.digest
        ? []
        : [`${print.table} has ${there.rows} rows where ${print.rows} were, or other content`];
    }),
    ...after.filter(({ table }) => !expected.has(table)).map(({ table }) => `${table} should not be there`),
  ];
}
