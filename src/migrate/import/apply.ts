import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { makeDirectories } from '../../base/make-directories.ts';
import { historyTable, type HistoryKind } from '../history/history.ts';
import type { Queryable } from '../session/session.ts';
import type { ImportEntry, ImportPlan } from './plan.ts';
import type { RepeatableRow } from './source.ts';

export interface ImportRun {
  readonly schema: string;
  readonly runId: string;
  readonly toolVersion: string;
  readonly gitCommit: string | undefined;
  /** Absolute. */
  readonly migrations: string;
  /** Absolute. */
  readonly routines: string;
  /** Absolute. */
  readonly tests: string;
}

/**
 * Writes the rows in one transaction, then puts the files in place. In this order a run that is cut off between leaves rows whose
 * files are missing, which `up` refuses and the next import repairs; the other way round `up` would run what is applied already.
 * The files are written beside first, so that a full or read-only disk is found before anything is recorded.
 *
 * The caller holds the migration lock and has made the history. The other tool's tables are only read.
 *
 * @throws {DbadminError} `file-unwritable`; errors of the server as they come.
 */
export async function applyImport(session: Queryable, plan: ImportPlan, run: ImportRun): Promise<void> {
  const files = [
    ...plan.entries.filter(({ writes }) => writes).map(({ name, text }) => ({ directory: run.migrations, name, text })),
    ...plan.routines
      .filter(({ writes }) => writes)
      .map(({ name, text }) => {
        const file = path.join(run.routines, `${name}.sql`);
        return { directory: path.dirname(file), name: path.basename(file), text };
      }),
    ...plan.tests.map(({ name, text }) => ({ directory: run.tests, name, text })),
  ];
  const staged = await stage(files);
  try {
    await recordRows(session, plan, run);
    for (const { from, to } of staged.moves) await rename(from, to);
  } finally {
    for (const directory of staged.directories) await rm(directory, { recursive: true, force: true });
  }
}

interface Staged {
  readonly directories: readonly string[];
  readonly moves: readonly { readonly from: string; readonly to: string }[];
}

async function stage(files: readonly { readonly directory: string; readonly name: string; readonly text: string }[]): Promise<Staged> {
  const beside = new Map<string, string>();
  const moves: { from: string; to: string }[] = [];
  try {
    for (const { directory, name, text } of files) {
      let place = beside.get(directory);
      if (place === undefined) {
        await makeDirectories(directory);
        place = await mkdtemp(path.join(directory, '.import-'));
        beside.set(directory, place);
      }
      const from = path.join(place, name);
      await writeFile(from, text);
      moves.push({ from, to: path.join(directory, name) });
    }
    return { directories: [...beside.values()], moves };
  } catch (error) {
    for (const place of beside.values()) await rm(place, { recursive: true, force: true });
    throw new DbadminError('file-unwritable', 'cannot write the imported files', { detail: messageOf(error), cause: error });
  }
}

const ROWS_AT_ONCE = 500;

interface RowToRecord extends Pick<ImportEntry, 'name' | 'sha256' | 'text' | 'reason'> {
  readonly kind: HistoryKind;
  /** Null for routines. */
  readonly version: string | null;
  readonly row: RepeatableRow | undefined;
}

async function recordRows(session: Queryable, plan: ImportPlan, run: ImportRun): Promise<void> {
  const entries = [
    ...plan.entries
      .filter(({ records }) => records)
      .map((entry): RowToRecord => {
        return { ...entry, kind: entry.kind === 'baseline' ? 'baseline' : 'versioned' };
      }),
    ...plan.routines.filter(({ records }) => records).map((routine): RowToRecord => ({ ...routine, kind: 'routine', version: null })),
  ];
  if (entries.length === 0) return;
  await session.query('begin');
  try {
    for (let at = 0; at < entries.length; at += ROWS_AT_ONCE) await insertRows(session, entries.slice(at, at + ROWS_AT_ONCE), run);
    await session.query('commit');
  } catch (error) {
    await session.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** Who and when are the other tool's where it knew; the tool's version and the commit are of this import. */
async function insertRows(session: Queryable, entries: readonly RowToRecord[], run: ImportRun): Promise<void> {
  const rows = entries.map(({ kind, version, name, sha256, text, row, reason }) => ({
    kind,
    version,
    name,
    sha256,
    body: text,
    finished: row?.finishedAt ?? null,
    took_ms: row?.tookMs ?? 0,
    applied_by: row?.appliedBy ?? null,
    reason,
  }));
  await session.query(
    `insert into ${historyTable(run.schema)}
       (run_id, kind, version, name, sha256, body, started_at, finished_at, applied_by, tool_version, git_commit, reason)
     select $1::uuid, kind, version, name, decode(sha256, 'hex'), body, coalesce(finished, now()) - make_interval(secs => took_ms / 1000),
       coalesce(finished, now()), coalesce(applied_by, session_user), $2, $3, reason
     from rows from (jsonb_to_recordset($4::jsonb) as (kind text, version text, name text, sha256 text, body text, finished timestamptz,
       took_ms float8, applied_by text, reason text)) with ordinality order by ordinality`,
    [run.runId, run.toolVersion, run.gitCommit ?? null, JSON.stringify(rows)],
  );
}
