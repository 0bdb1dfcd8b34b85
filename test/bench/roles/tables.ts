import postgres, { type Sql } from 'postgres';

export const SCHEMAS = 10;
export const GROUPS = 12;
const BATCH = 1000;

export function connect(url: string): Sql {
  return postgres(url, { max: 1, onnotice: () => undefined });
}

/** `tables` tables in {@link SCHEMAS} schemas, each with a serial column, a thousand a transaction: locks are kept until its end. */
export async function makeTables(sql: Sql, tables: number): Promise<void> {
  const each = Math.ceil(tables / SCHEMAS);
  for (let schema = 0; schema < SCHEMAS; schema += 1) {
    await sql.unsafe(`create schema s${schema}`);
    for (let from = 0; from < each; from += BATCH) {
      const to = Math.min(each, from + BATCH) - 1;
      await sql.unsafe(
        `do $$ begin for i in ${from}..${to} loop execute format('create table s${schema}.t%s (id int, note text, at timestamptz)', i); end loop; end $$`,
      );
    }
  }
}

/** A roles file with {@link GROUPS} groups that read or write every schema. */
export function rolesFile(): string {
  const groups = Array.from({ length: GROUPS }, (_, index) => `g${index}`);
  const schemas = Array.from({ length: SCHEMAS }, (_, index) => `s${index}`);
  return `version: 1
profiles:
  reader: { tables: [select], sequences: [select] }
  writer: { include: reader, tables: [insert, update, delete], sequences: [usage, update] }
groups: { owner: {}, ${groups.map((group) => `${group}: {}`).join(', ')} }
databases:
  bench:
    schemas: { ${schemas.map((schema) => `${schema}: { owner: owner }`).join(', ')} }
    access:
${groups.map((group, index) => `      - { profile: ${index % 2 === 0 ? 'reader' : 'writer'}, on: [${schemas.join(', ')}], to: ${group} }`).join('\n')}
`;
}

/** A roles file that leaves one table of a schema out, so that every other one must be named. */
export function namedFile(database: string): string {
  return `version: 1
groups: { owner: {}, reader: {} }
databases:
  ${database}:
    schemas: { many: { owner: owner } }
    access: [{ grant: select, on: table many.*, to: reader, except: many.t0 }]
`;
}

/** What nobody else on the machine writes: the next transaction and where the write-ahead log ends. */
export async function written(sql: Sql): Promise<{ readonly next: string; readonly walBytes: number }> {
  const [row] = await sql<{ next: string; wal: string }[]>`
    select pg_snapshot_xmax(pg_current_snapshot())::text as next, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text as wal`;
  if (row === undefined) throw new Error('the server says nothing of its log');
  return { next: row.next, walBytes: Number(row.wal) };
}
