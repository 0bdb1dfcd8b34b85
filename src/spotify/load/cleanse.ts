import type postgres from 'postgres';
import { DbadminError } from '../../base/errors.ts';
import type { SourceFormat } from './formats.ts';

/** A finished run of a load step; counts are rows. */
export interface StepRun {
  readonly runId: string;
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly rowsRejected: number;
  readonly tookMs: number;
}

/** What a rule found in a run. */
export interface Finding {
  readonly rule: string;
  readonly finding: string;
  readonly found: number;
}

const STEPS: Readonly<Record<SourceFormat, string>> = {
  songs: 'core.load_songs',
  streaming_history: 'core.load_history',
  extended_history: 'core.load_extended',
  library: 'core.load_library',
  playlist: 'core.load_playlist',
  chart: 'core.load_chart',
  page: 'core.load_page',
};

interface RunRow {
  readonly run_id: string;
  readonly rows_in: string | null;
  readonly rows_out: string | null;
  readonly rows_rejected: string | null;
  readonly took_ms: number | null;
  readonly error: string | null;
}

/**
 * Runs the load procedure of a landed batch, unless it ran well before or this warehouse has none for the format: then
 * its rows stay landed.
 *
 * @throws {DbadminError} `load-failed` when the step failed: the batch stays landed and the step can be run again.
 */
export async function cleanseBatch(
  sql: postgres.Sql,
  format: SourceFormat,
  batchId: string,
  name: string,
): Promise<{ readonly run: StepRun; readonly findings: readonly Finding[] } | undefined> {
  const [done] = await sql`select from quality.run where batch_id = ${batchId} and finished_at is not null and error is null limit 1`;
  if (done !== undefined) return undefined;
  const step = STEPS[format];
  const [there] = await sql`select where to_regprocedure(${`${step}(bigint, bigint)`}) is not null`;
  if (there === undefined) return undefined;
  return await runStep(sql, step, [batchId, null], name);
}

/** Links duplicates by meaning (rule B13) over the whole catalogue. */
export async function linkCanonicalTracks(sql: postgres.Sql): Promise<readonly Finding[]> {
  return (await runStep(sql, 'core.link_canonical_tracks', [null], 'the catalogue')).findings;
}

async function runStep(
  sql: postgres.Sql,
  step: string,
  args: readonly (string | null)[],
  name: string,
): Promise<{ readonly run: StepRun; readonly findings: readonly Finding[] }> {
  const holes = args.map((_, index) => `$${index + 1}::bigint`).join(', ');
  const [called] = await sql.unsafe<{ run: string }[]>(`call ${step}(${holes})`, [...args]);
  const runId = called?.run ?? '';
  const [row] = await sql<RunRow[]>`
    select run_id, rows_in, rows_out, rows_rejected, error,
           (extract(epoch from finished_at - started_at) * 1000)::float8 as took_ms
    from quality.run where run_id = ${runId}`;
  if (row === undefined || row.error !== null) {
    throw new DbadminError('load-failed', `cleansing ${name} failed: ${row?.error ?? 'no run was recorded'}`, {
      detail: `Run ${runId} of ${step} in quality.run says the same. Its work was undone; what was landed in raw stays.`,
      hint: 'Load the same file again once the cause is mended: only the cleansing is repeated.',
    });
  }
  const findings = await sql<{ rule: string; finding: string; found: string }[]>`
    select rule_id as rule, finding, found from quality.rule_count
    where run_id = ${runId} order by substr(rule_id, 2)::integer, finding`;
  return {
    run: {
      runId,
      rowsIn: Number(row.rows_in),
      rowsOut: Number(row.rows_out),
      rowsRejected: Number(row.rows_rejected),
      tookMs: row.took_ms ?? 0,
    },
    findings: findings.map(({ rule, finding, found }) => ({ rule, finding, found: Number(found) })),
  };
}
