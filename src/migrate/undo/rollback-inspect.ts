import { embeddedStatements } from '../sql/embedded.ts';
import { isDbadminError } from '../../base/errors.ts';
import { quoteName } from '../../postgres/quote.ts';
import { parseSqlFile, type Statement } from '../files/migration.ts';
import { compareVersions } from '../files/names.ts';
import type { SqlParser } from '../sql/parser.ts';
import type { Queryable } from '../session/session.ts';
import { readApplied, readRunsSince, type AppliedRun } from './inspect.ts';
import { cascadedLosses } from './cascades.ts';
import { lossesOf, type Loss, type RanFile } from './losses.ts';
import type { AppliedVersion } from './plan.ts';
import { inspectUndo, type InspectedUndo, type MigrateDownOptions } from './run.ts';
import { inspectSuspects, readForeignKeys, type Unseen } from './unseen-inspect.ts';
import { suspectsIn, type Suspect } from './unseen.ts';

/** A loss with the run that caused it. */
export interface RunLoss {
  readonly loss: Loss;
  /** Whether what was dropped is missing now; undefined for rows and values, which nobody can see from outside. */
  readonly gone: boolean | undefined;
  /** An earlier version of the same run made or renamed it: the run's restore point does not have it by this name. */
  readonly madeByRun: boolean;
  readonly runId: string;
  readonly restorePoint: AppliedVersion['restorePoint'];
}

/** Everything the database knows that a way back depends on. */
export interface InspectedRollback {
  readonly undo: InspectedUndo;
  /** Newest first. */
  readonly versions: readonly AppliedVersion[];
  readonly losses: readonly RunLoss[];
  /** Through what more may have been lost, which nobody can tell from the statements. */
  readonly unseen: readonly Unseen[];
  /** Runs since the first of these versions', oldest first. */
  readonly runs: readonly AppliedRun[];
  readonly currentLsn: string;
}

/**
 * Looks at the versions that are newer than one, at what they took away, and at the runs since. Touches nothing.
 *
 * @throws {DbadminError} `usage`, `migration-invalid`.
 */
export async function inspectRollback(
  session: Queryable,
  options: Pick<MigrateDownOptions, 'schema' | 'directories' | 'extent' | 'clock'>,
  parser: SqlParser,
): Promise<InspectedRollback> {
  const undo = await inspectUndo(session, { ...options, again: false }, parser);
  const all = [...undo.plan.steps, ...undo.plan.refused].map(({ applied }) => applied);
  const versions = all.sort((a, b) => compareVersions(b.version, a.version));
  const [row] = await session.query<{ path: string[]; lsn: string }>(
    `select current_schemas(false)::text[] as path,
       case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end::text as lsn`,
  );
  const runs = await readRunsSince(session, options.schema, versions);
  const { history } = undo.observed;
  const keys = await readForeignKeys(session);
  const losses: RunLoss[] = [];
  const suspects: Suspect[] = [];
  for (const runId of new Set([...versions].reverse().map((each) => each.runId))) {
    const mine = versions.filter((each) => each.runId === runId).reverse();
    const undone = new Set(mine.map(({ version }) => version));
    const staying = (runs.find((run) => run.runId === runId)?.versions ?? []).flatMap((version) => {
      return undone.has(version) ? [] : (history.applied.get(version) ?? []);
    });
    const before = (await readApplied(session, options.schema, staying)).map((each) => statementsOf(each, parser));
    const files = mine.map((each) => statementsOf(each, parser));
    const path = row?.path ?? [];
    const told = lossesOf(files, path, before);
    const restorable = [...told, ...cascadedLosses(told, keys)];
    suspects.push(...suspectsIn(files, path[0] ?? 'public'), ...mine.flatMap((each) => opaqueOf(each, parser)));
    const known = new Set(restorable.map((loss) => JSON.stringify(loss)));
    const others = before.length === 0 ? [] : lossesOf(files, path).filter((loss) => !known.has(JSON.stringify(loss)));
    const base = { runId, restorePoint: mine[0]?.restorePoint };
    for (const loss of restorable) losses.push({ ...base, loss, gone: await isGone(session, loss), madeByRun: false });
    for (const loss of others) losses.push({ ...base, loss, gone: await isGone(session, loss), madeByRun: true });
  }
  return { undo, versions, losses, unseen: await inspectSuspects(session, suspects), runs, currentLsn: row?.lsn ?? '0/0' };
}

/** What ran, with what DO blocks held. A baseline ran nothing. */
function statementsOf(version: AppliedVersion, parser: SqlParser): RanFile {
  return parsed(version, parser).flatMap((statement) => [
    statement,
    ...embeddedStatements(statement, parser).flatMap((each) => (each.kind === 'sql' && each.runs === 'now' ? [{ node: each.node }] : [])),
  ]);
}

/** What ran and could not be looked into. */
function opaqueOf(version: AppliedVersion, parser: SqlParser): readonly Suspect[] {
  return parsed(version, parser).flatMap((statement) =>
    embeddedStatements(statement, parser).flatMap((each): readonly Suspect[] =>
      each.kind === 'opaque' && each.runs === 'now'
        ? [{ kind: 'opaque', reason: each.reason, by: `${version.name}:${each.line}, ${each.inside.join(', ')}` }]
        : [],
    ),
  );
}

function parsed({ name, row, body }: AppliedVersion, parser: SqlParser): readonly Statement[] {
  if (row.kind === 'baseline') return [];
  try {
    return parseSqlFile({ path: name, location: name, text: body, sha256: row.sha256 }, parser).statements;
  } catch (error) {
    if (isDbadminError(error, 'migration-invalid')) return [];
    throw error;
  }
}

async function isGone(session: Queryable, loss: Loss): Promise<boolean | undefined> {
  if (loss.kind === 'rows' || !loss.by.startsWith('DROP')) return undefined;
  if (loss.kind === 'schema') {
    const [row] = await session.query<{ gone: boolean }>('select pg_catalog.to_regnamespace($1) is null as gone', [quoteName(loss.schema)]);
    return row?.gone === true;
  }
  const table = `${quoteName(loss.table.schema)}.${quoteName(loss.table.name)}`;
  const [row] = await session.query<{ gone: boolean }>(
    `select case when $2::text is null then pg_catalog.to_regclass($1) is null else not exists (
       select from pg_catalog.pg_attribute where attrelid = pg_catalog.to_regclass($1)::oid and attname = $2 and not attisdropped) end as gone`,
    [table, loss.kind === 'column' ? loss.column : null],
  );
  return row?.gone === true;
}
