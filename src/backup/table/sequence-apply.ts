import type { TransactionSql } from 'postgres';
import { quoteLiteral, quoteName } from '../../postgres/quote.ts';
import { qualified } from './definition.ts';

/** A sequence of a column, which would have given values again that rows brought with them. */
export interface OvertakenSequence {
  readonly column: string;
  /** Schema and name, quoted. */
  readonly sequence: string;
  /** The value it has to be past: a decimal number. */
  readonly past: string;
  /** False where this role may not read and move it, or its range ends there. */
  readonly moved: boolean;
}

interface Sequence {
  readonly column: string;
  readonly sequence: string;
  readonly increment: string;
  readonly min: string;
  readonly max: string;
  readonly mayMove: boolean;
}

/**
 * So many values are taken one by one. The application may take some between a look and setval, which would then set the sequence
 * back; it does not take more than these.
 */
const ONE_BY_ONE = 1000n;

/**
 * Moves the sequences that belong to columns of a table past the values that these columns have in `rows`, in the steps they have:
 * forward only, and not back again when the transaction is rolled back. Sequences that begin anew at their end are left alone, and so
 * are those that a default names and no column owns.
 */
export async function moveSequences(
  sql: TransactionSql,
  { schema, name }: { readonly schema: string; readonly name: string },
  rows: string,
): Promise<readonly OvertakenSequence[]> {
  const sequences = await sql<Sequence[]>`
    select a.attname as column, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as sequence,
      s.seqincrement::text as increment, s.seqmin::text as min, s.seqmax::text as max,
      has_schema_privilege(n.oid, 'USAGE') and has_sequence_privilege(c.oid, 'SELECT') and has_sequence_privilege(c.oid, 'UPDATE') as "mayMove"
    from pg_catalog.pg_attribute a
      join pg_catalog.pg_depend d on d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype in ('a', 'i')
        and d.refclassid = 'pg_catalog.pg_class'::regclass and d.classid = 'pg_catalog.pg_class'::regclass
      join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S' join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_sequence s on s.seqrelid = c.oid
    where a.attrelid = ${qualified(schema, name)}::regclass and a.attnum > 0 and not a.attisdropped
      and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) and not s.seqcycle order by a.attnum, 2`;
  const overtaken: OvertakenSequence[] = [];
  for (const each of sequences) {
    const { column, sequence, increment, min, max } = each;
    const furthest = increment.startsWith('-') ? 'min' : 'max';
    const [row] = await sql.unsafe<{ value: string | null }[]>(
      `SELECT ${furthest}(${quoteName(column)})::text AS value FROM ${rows} WHERE ${quoteName(column)} BETWEEN ${min} AND ${max}`,
    );
    const past = row?.value ?? null;
    if (past === null) continue;
    const moved = each.mayMove ? await movePast(sql, each, BigInt(past)) : false;
    if (moved !== undefined) overtaken.push({ column, sequence, past, moved });
  }
  return overtaken;
}

/** Whether it could be moved; undefined when it is past the value already. */
async function movePast(sql: TransactionSql, { sequence, increment, min, max }: Sequence, past: bigint): Promise<boolean | undefined> {
  const [at] = await sql.unsafe<{ value: string; called: boolean }[]>(
    `SELECT last_value::text AS value, is_called AS called FROM ${sequence}`,
  );
  if (at === undefined) return false;
  const step = BigInt(increment);
  const last = BigInt(at.value) - (at.called ? 0n : step);
  const distance = step > 0n ? past - last : last - past;
  if (distance <= 0n) return undefined;
  const size = step > 0n ? step : -step;
  const steps = (distance + size - 1n) / size;
  const to = last + steps * step;
  if (to < BigInt(min) || to > BigInt(max)) return false;
  const named = `${quoteLiteral(sequence)}::regclass`;
  await sql.unsafe(
    steps <= ONE_BY_ONE ? `SELECT count(nextval(${named})) FROM generate_series(1, ${steps})` : `SELECT setval(${named}, ${to})`,
  );
  return true;
}
