import { historyTable, type HistoryRow } from '../history/history.ts';
import type { Queryable } from '../session/session.ts';
import type { AppliedVersion } from './plan.ts';

/** The applied texts of versions, in the order given, with the runs that applied them first, before any redo, and their restore points. */
export async function readApplied(session: Queryable, schema: string, rows: readonly HistoryRow[]): Promise<readonly AppliedVersion[]> {
  if (rows.length === 0) return [];
  const found = await session.query<{ seq: string; body: string; run: string; restore_point: string | null; lsn: string | null }>(
    `select h.seq::text as seq, h.body, coalesce(p.run, h.run_id::text) as run, p.restore_point, p.lsn from ${historyTable(schema)} h
     left join lateral (
       -- A repair, or a file that another run had begun, stands in a later row: what was before its first statement counts.
       select f.run_id::text as run, f.restore_point, f.restore_lsn::text as lsn from ${historyTable(schema)} f
       where f.version = h.version and f.kind in ('versioned', 'baseline') and f.seq <= h.seq
         and f.seq > coalesce((select max(d.seq) from ${historyTable(schema)} d
           where d.version = h.version and d.kind = 'down' and d.statement_no is null and d.seq < h.seq
             -- A redo sets its restore point before it undoes: the version is still applied there, so its first application counts.
             and not exists (select from ${historyTable(schema)} r
               where r.version = d.version and r.run_id = d.run_id and r.kind = 'versioned' and r.seq > d.seq)), 0)
       order by f.seq limit 1) p on true
     where h.seq = any ($1::bigint[])`,
    [rows.map(({ seq }) => seq)],
  );
  const bySeq = new Map(found.map((each) => [each.seq, each]));
  return rows.map((row) => {
    const stored = bySeq.get(row.seq);
    const [name, lsn] = [stored?.restore_point ?? undefined, stored?.lsn ?? undefined];
    const restorePoint = name === undefined || lsn === undefined ? undefined : { name, lsn };
    return { version: row.version ?? '', name: row.name, row, body: stored?.body ?? '', runId: stored?.run ?? row.runId, restorePoint };
  });
}

/** All that one run wrote, and when it began: its restore point undoes all of it. */
export interface AppliedRun {
  readonly runId: string;
  readonly restorePoint: { readonly name: string; readonly lsn: string } | undefined;
  /** Applied by it, and still so; oldest first. */
  readonly versions: readonly string[];
  /** Of its transactions, 32 bits each, as the WAL has them: the run's own changes. */
  readonly xids: readonly number[];
}

/** The runs, oldest first, that applied anything from the first of these versions on. Routines count too: they come back as well. */
export async function readRunsSince(
  session: Queryable,
  schema: string,
  applied: readonly AppliedVersion[],
): Promise<readonly AppliedRun[]> {
  const rows = await session.query<{ run: string; name: string | null; lsn: string | null; versions: string[]; xids: string[] }>(
    `select run_id::text as run, min(restore_point) as name, min(restore_lsn)::text as lsn,
       pg_catalog.array_remove(pg_catalog.array_agg(version order by seq) filter (where statement_no is null and kind <> 'down'), null) as versions,
       pg_catalog.array_agg(distinct xmin::text) as xids
     from ${historyTable(schema)}
     where seq >= (select min(f.seq) from ${historyTable(schema)} f where f.run_id = any ($1::uuid[]))
     group by run_id order by min(seq)`,
    [[...new Set(applied.map(({ runId }) => runId))]],
  );
  return rows.map(({ run, name, lsn, versions, xids }) => ({
    runId: run,
    restorePoint: name === null || lsn === null ? undefined : { name, lsn },
    versions: versions ?? [],
    xids: xids.map(Number),
  }));
}
