import path from 'node:path';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import type { History, HistoryRow } from '../history/history.ts';
import { parseSqlFile, statementSha, type MigrationFile, type ParsedSql, type SqlFile, type Statement } from '../files/migration.ts';
import { compareVersions, sortKey } from '../files/names.ts';
import { withoutPlaces, type SqlParser } from '../sql/parser.ts';
import type { PendingMigration } from '../plan.ts';

/** How far back: the newest so many, or all that are newer than a version, which itself stays (`0`: nothing stays). */
export type UndoExtent = { readonly kind: 'newest'; readonly count: number } | { readonly kind: 'after'; readonly version: string };

/** An applied version with the text that ran and what was set before its run. */
export interface AppliedVersion {
  readonly version: string;
  /** Of the file. */
  readonly name: string;
  readonly row: HistoryRow;
  readonly body: string;
  /** The run that applied its first statement, and what was set before it. */
  readonly runId: string;
  readonly restorePoint: { readonly name: string; readonly lsn: string } | undefined;
}

/** One version on its way back. */
export interface UndoStep extends PendingMigration {
  readonly kind: 'down';
  readonly applied: AppliedVersion;
}

/** Why a version has no way back by SQL. */
export interface NoWayDown {
  readonly applied: AppliedVersion;
  readonly reason: string;
}

export interface UndoPlan {
  /** Newest first. */
  readonly steps: readonly UndoStep[];
  /** Empty when every version can be undone by its down section. */
  readonly refused: readonly NoWayDown[];
  readonly warnings: readonly string[];
}

/**
 * The applied versions that an extent means, newest first.
 *
 * @throws {DbadminError} `usage` when the version is not applied or the count is more than there is; `migration-invalid` while
 * a no-transaction file is applied in part.
 */
export function versionsToUndo(history: History, extent: UndoExtent): readonly HistoryRow[] {
  const newestFirst = [...history.applied.values()].sort((a, b) => compareVersions(b.version ?? '', a.version ?? ''));
  const [begun] = history.begun.keys();
  if (begun !== undefined) {
    throw new DbadminError('migration-invalid', `version ${begun} is applied in part: an interrupted run left it`, {
      hint: 'Finish it first: dbadmin migrate up',
    });
  }
  if (extent.kind === 'newest') {
    if (newestFirst.length === 0) throw new DbadminError('usage', 'nothing is applied here, so there is nothing to undo');
    if (extent.count <= newestFirst.length) return newestFirst.slice(0, extent.count);
    throw new DbadminError('usage', `${extent.count} versions cannot be undone: ${newestFirst.length} are applied`);
  }
  const key = sortKey(extent.version);
  const at = newestFirst.findIndex(({ version }) => sortKey(version ?? '') === key);
  if (at >= 0) return newestFirst.slice(0, at);
  if (key === '0') return newestFirst;
  const known = newestFirst.slice(0, 5).map(({ version }) => version ?? '');
  throw new DbadminError('usage', `version ${extent.version} is not applied here`, {
    detail: known.length === 0 ? 'Nothing is applied.' : `The newest that are: ${known.join(', ')}.`,
    hint: 'Name the version that is to stay the newest, or 0 for none; see dbadmin migrate status --all.',
  });
}

/** How each version would be undone by the down section that stood in it when it was applied, and which cannot be. Touches nothing. */
export function planUndo(
  versions: readonly AppliedVersion[],
  files: readonly MigrationFile[],
  history: History,
  project: string,
  parser: SqlParser,
): UndoPlan {
  const steps: UndoStep[] = [];
  const refused: NoWayDown[] = [];
  const warnings: string[] = [];
  const byKey = new Map(files.map((each) => [sortKey(each.name.version), each]));
  for (const applied of versions) {
    const found = byKey.get(sortKey(applied.version));
    const file = storedFile(applied, found, project);
    const parsed = applied.row.kind === 'baseline' ? undefined : tryParse(file, parser);
    if (found !== undefined && found.file.sha256 !== applied.row.sha256) {
      const now = tryParse(found.file, parser);
      if (sectionOf(now) !== sectionOf(parsed)) {
        warnings.push(
          `the down section in ${found.file.path} is not the one that was applied with it: the one in the history counts (to take over the file's: dbadmin migrate repair --accept ${applied.version})`,
        );
      }
    }
    const down = downOf(parsed);
    if (typeof down === 'string') refused.push({ applied, reason: down });
    else steps.push(stepOf(applied, file, down, history));
  }
  return { steps, refused, warnings };
}

/** The failure of an undo of which a part has no down section, with the other ways. */
export function refusedError(refused: readonly NoWayDown[], stays: string): DbadminError {
  const [first] = refused;
  const what =
    refused.length === 1 && first !== undefined
      ? `${first.applied.name} cannot be undone: ${first.reason}`
      : `${refused.length} versions cannot be undone`;
  const lines = refused.map(({ applied, reason }) => `${applied.name}: ${reason}; ${pointOf(applied)}`);
  return new DbadminError('refused', what, {
    detail: `${lines.join('\n')}\nNothing was touched.`,
    hint: `dbadmin migrate rollback --to ${stays} shows what else there is: bringing back only what was lost, or the moment before by point-in-time recovery.\nOr write a new migration that undoes it: dbadmin migrate new NAME`,
  });
}

/** The version that stays the newest when these are undone; `0` when none does. */
export function remaining(history: History, undone: readonly HistoryRow[]): string {
  const gone = new Set(undone.map(({ version }) => version));
  return (
    [...history.applied.keys()]
      .filter((version) => !gone.has(version))
      .sort(compareVersions)
      .at(-1) ?? '0'
  );
}

function pointOf({ restorePoint }: AppliedVersion): string {
  return restorePoint === undefined
    ? 'no restore point was set before it'
    : `the moment before its run is restore point ${restorePoint.name}`;
}

function storedFile({ name, body, row }: AppliedVersion, found: MigrationFile | undefined, project: string): SqlFile {
  const known = found?.file.path ?? name;
  const shown = found?.file.sha256 === row.sha256 ? known : `${known} (as applied)`;
  return { path: shown, location: found?.file.location ?? path.join(project, name), text: body, sha256: row.sha256 };
}

function tryParse(file: SqlFile, parser: SqlParser): ParsedSql | DbadminError {
  try {
    return parseSqlFile(file, parser);
  } catch (error) {
    if (isDbadminError(error, 'migration-invalid')) return error;
    throw error;
  }
}

/** What undoes a version, or why nothing does. */
function downOf(parsed: ParsedSql | DbadminError | undefined): ParsedSql | string {
  if (parsed === undefined) return 'it is the baseline, which was there before dbadmin came';
  if (parsed instanceof DbadminError) return `the text in the history is not a file of dbadmin's (${parsed.message})`;
  if (parsed.directives.irreversible) return 'it says of itself that it is irreversible';
  if (parsed.down === undefined) return 'it has no down section';
  return { ...parsed, statements: parsed.down, down: undefined };
}

function stepOf(applied: AppliedVersion, file: SqlFile, parsed: ParsedSql, history: History): UndoStep {
  const finished = new Set<number>();
  let interrupted: number | undefined;
  for (const [number, statement] of history.undoing.get(applied.version) ?? []) {
    const now = parsed.statements[number - 1];
    if (now === undefined || statementSha(now) !== statement.sha256) {
      throw new DbadminError('migration-invalid', `${file.path}: statement ${number} of its down section ran and is another one now`, {
        hint: 'The accepted text must begin with the statements that ran.',
      });
    }
    if (statement.finished) finished.add(number);
    else interrupted = number;
  }
  const name = { file: applied.name, version: applied.version, title: '' };
  return { kind: 'down', name, file, parsed, finished, interrupted, applied };
}

/** The meaning of a down section: equal for texts that differ in space and comments only. */
function sectionOf(parsed: ParsedSql | DbadminError | undefined): string {
  if (parsed === undefined || parsed instanceof DbadminError) return '';
  const meaning = (statement: Statement): unknown => [
    statement.node === undefined ? statement.text : withoutPlaces(statement.node),
    statement.copyData,
  ];
  return JSON.stringify(parsed.down?.map(meaning) ?? null);
}
