import { quoteIdentifier, quoteName } from '../../postgres/quote.ts';
import type { Queryable } from '../session/session.ts';
import type { ForeignKeyFacts, KeyAction } from './cascades.ts';
import type { TableName } from './losses.ts';
import type { Suspect } from './unseen.ts';

/** What may be lost beyond what the statements tell, in words: `what function core.purge changed`. */
export interface Unseen {
  readonly what: string;
  readonly by: string;
}

/** All foreign keys there are now. A partition's own, which its parent's made, are left out. */
export async function readForeignKeys(session: Queryable): Promise<readonly ForeignKeyFacts[]> {
  const rows = await session.query<{
    schema: string;
    name: string;
    to_schema: string;
    to_name: string;
    columns: string[];
    referenced: string[];
    on_delete: string;
    on_update: string;
  }>(
    `select n.nspname as schema, t.relname as name, rn.nspname as to_schema, r.relname as to_name,
       (select pg_catalog.array_agg(a.attname::text order by k.place) from pg_catalog.unnest(c.conkey) with ordinality k (attnum, place)
        join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum) as columns,
       (select pg_catalog.array_agg(a.attname::text order by k.place) from pg_catalog.unnest(c.confkey) with ordinality k (attnum, place)
        join pg_catalog.pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.attnum) as referenced,
       c.confdeltype as on_delete, c.confupdtype as on_update
     from pg_catalog.pg_constraint c
     join pg_catalog.pg_class t on t.oid = c.conrelid join pg_catalog.pg_namespace n on n.oid = t.relnamespace
     join pg_catalog.pg_class r on r.oid = c.confrelid join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
     where c.contype = 'f' and c.conparentid = 0 order by 1, 2`,
  );
  return rows.map((row) => ({
    table: { schema: row.schema, name: row.name },
    columns: row.columns,
    references: { schema: row.to_schema, name: row.to_name },
    referenced: row.referenced,
    onDelete: ACTIONS[row.on_delete] ?? 'none',
    onUpdate: ACTIONS[row.on_update] ?? 'none',
  }));
}

/** As `pg_constraint.confdeltype` has them. */
const ACTIONS: Readonly<Record<string, KeyAction>> = { c: 'cascade', n: 'set', d: 'set' };

/** Which suspects may have changed something: routines of the project's own that may write, or that are gone; triggers that there are. */
export async function inspectSuspects(session: Queryable, suspects: readonly Suspect[]): Promise<readonly Unseen[]> {
  const unseen: Unseen[] = [];
  for (const suspect of suspects) {
    const { by } = suspect;
    switch (suspect.kind) {
      case 'routine': {
        const name = suspect.schema === undefined ? suspect.name : `${suspect.schema}.${suspect.name}`;
        if (await mayWrite(session, suspect.schema, suspect.name)) unseen.push({ what: `what routine ${name} changed`, by });
        break;
      }
      case 'triggers':
        for (const trigger of await triggersOf(session, suspect.table, TRIGGER_BITS[suspect.event]))
          unseen.push({ what: `what trigger ${trigger} of ${tableText(suspect.table)} changed`, by });
        break;
      case 'dependents':
        unseen.push({ what: suspect.of, by });
        break;
      case 'opaque':
        unseen.push({ what: suspect.reason, by });
    }
  }
  return [...new Map(unseen.map((each) => [JSON.stringify(each), each])).values()];
}

/** Bits of `pg_trigger.tgtype`. */
const TRIGGER_BITS = { INSERT: 4, DELETE: 8, UPDATE: 16, TRUNCATE: 32 } as const;

/** False for what PostgreSQL and its extensions bring, and for what says that it does not write; true for what is gone. */
async function mayWrite(session: Queryable, schema: string | undefined, name: string): Promise<boolean> {
  const [row] = await session.query<{ may: boolean }>(
    `select coalesce(bool_or(n.nspname not in ('pg_catalog', 'information_schema') and p.provolatile = 'v'
         and not exists (select from pg_catalog.pg_depend d
           where d.classid = 'pg_catalog.pg_proc'::regclass::oid and d.objid = p.oid and d.deptype = 'e')), true)
       and not coalesce($1::text is null and bool_or(n.nspname = 'pg_catalog'), false) as may
     from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where p.proname = $2 and ($1::text is null or n.nspname = $1)`,
    [schema ?? null, name],
  );
  return row?.may === true;
}

async function triggersOf(session: Queryable, { schema, name }: TableName, bit: number): Promise<readonly string[]> {
  const rows = await session.query<{ name: string }>(
    `select tgname as name from pg_catalog.pg_trigger
     where tgrelid = pg_catalog.to_regclass($1)::oid and not tgisinternal and tgenabled <> 'D' and tgtype::int & $2::int <> 0 order by 1`,
    [`${quoteName(schema)}.${quoteName(name)}`, bit],
  );
  return rows.map((row) => quoteIdentifier(row.name));
}

function tableText({ schema, name }: TableName): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
