import { historyTable } from './history.ts';
import type { Queryable } from '../session/session.ts';

/** A row that records a decision: nothing ran for it. */
export interface DecisionRow {
  readonly kind: 'baseline' | 'repair' | 'down';
  readonly version: string;
  /** File name. */
  readonly name: string;
  /** 64 hex digits. */
  readonly sha256: string;
  readonly body: string;
}

export interface Decision {
  /** Schema of the history. */
  readonly schema: string;
  readonly runId: string;
  readonly toolVersion: string;
  readonly gitCommit: string | undefined;
  /** In the words of whoever decided. */
  readonly reason: string;
  readonly rows: readonly DecisionRow[];
}

/** Adds the rows in their order, all or none. */
export async function recordDecision(session: Queryable, { schema, runId, toolVersion, gitCommit, reason, rows }: Decision): Promise<void> {
  await session.query(
    `insert into ${historyTable(schema)} (run_id, kind, version, name, sha256, body, started_at, finished_at, tool_version, git_commit, reason)
     select $1::uuid, r.kind, r.version, r.name, decode(r.sha256, 'hex'), r.body, clock_timestamp(), clock_timestamp(), $2, $3, $4
     from unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[]) with ordinality
       as r (kind, version, name, sha256, body, place) order by r.place`,
    [
      runId,
      toolVersion,
      gitCommit ?? null,
      reason,
      rows.map(({ kind }) => kind),
      rows.map(({ version }) => version),
      rows.map(({ name }) => name),
      rows.map(({ sha256 }) => sha256),
      rows.map(({ body }) => body),
    ],
  );
}
