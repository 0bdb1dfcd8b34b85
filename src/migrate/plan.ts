import { DbadminError, isDbadminError } from '../base/errors.ts';
import { diffLines } from './files/diff.ts';
import type { History } from './history/history.ts';
import { parseSqlFile, statementSha, type MigrationFile, type ParsedSql, type SqlFile } from './files/migration.ts';
import { compareVersions, sortKey, type MigrationName } from './files/names.ts';
import { withoutPlaces, type SqlParser } from './sql/parser.ts';
import { invalidAt } from './files/problems.ts';
import { checkRepeatable, orderRoutines, outdatedOverloads, signaturesOf, type Routine, type Signature } from './routines/routines.ts';
import { begunAndGoneError, changedError, missingError, noDirectoryError, outOfOrderError } from './files/disagreements.ts';

/** A routine's file as found on disk; `name` is `schema/name`. */
export interface RoutineFile {
  readonly name: string;
  readonly file: SqlFile;
}

/** The files and the history side by side: all that a plan needs. */
export interface Observed {
  /** In the order of their versions. */
  readonly migrations: readonly MigrationFile[];
  readonly routines: readonly RoutineFile[];
  /** What was wrong with files before they could be looked into. */
  readonly fileProblems: readonly DbadminError[];
  /** Versions (as {@link sortKey} has them) and routines whose file is there and could not be read. */
  readonly unread: ReadonlySet<string>;
  /** The directory of versioned files, when there is none. */
  readonly noDirectory: string | undefined;
  readonly history: History;
  /** The stored text of applied things whose file is another now, by version or routine name. */
  readonly storedBodies: ReadonlyMap<string, string>;
}

export interface PendingMigration {
  /** `down` when what runs is the down section; the rows in the history say so. */
  readonly kind?: 'down';
  readonly name: MigrationName;
  readonly file: SqlFile;
  readonly parsed: ParsedSql;
  /** Numbers of the statements of a no-transaction file that an earlier run finished. */
  readonly finished: ReadonlySet<number>;
  /** The statement that an earlier run began and did not finish. */
  readonly interrupted: number | undefined;
}

export interface ChangedRoutine extends Routine {
  readonly change: 'new' | 'changed';
  /** Lines of difference to the applied text; empty for a new one. */
  readonly diff: readonly string[];
  /** Overloads the applied text declared and this one replaces with others. */
  readonly outdated: readonly Signature[];
}

export interface MigrationPlan {
  readonly versioned: readonly PendingMigration[];
  /** In the order in which they can be applied. */
  readonly routines: readonly ChangedRoutine[];
  /** Versions whose file means something else than what was applied. */
  readonly changed: ReadonlySet<string>;
  /** Why `up` would refuse; empty when it would not. */
  readonly problems: readonly DbadminError[];
  readonly warnings: readonly string[];
}

/** What the caller puts up with. */
export interface PlanPolicy {
  /** Apply files that come before ones already applied. */
  readonly outOfOrder: boolean;
  /** Go on although files of applied versions are gone. */
  readonly missing: boolean;
}

export const STRICT: PlanPolicy = { outOfOrder: false, missing: false };

/** Whether a file is not the one that was applied: {@link planMigrations} parses those, and no others. */
export function hasSomethingToParse({ migrations, routines, history }: Observed): boolean {
  const applied = new Map([...history.applied.values()].map((row) => [sortKey(row.version ?? ''), row.sha256]));
  return (
    migrations.some(({ name, file }) => applied.get(sortKey(name.version)) !== file.sha256) ||
    routines.some(({ name, file }) => history.routines.get(name)?.sha256 !== file.sha256)
  );
}

/** What `up` would do, and why not. Touches nothing. */
export function planMigrations(observed: Observed, policy: PlanPolicy, parser: SqlParser, now: Date): MigrationPlan {
  const { migrations, history, unread, noDirectory } = observed;
  const problems: DbadminError[] = [...observed.fileProblems];
  // A project of routines alone needs none.
  const isEmpty = noDirectory !== undefined && observed.routines.length === 0;
  const warnings: string[] = isEmpty ? [`there is no directory ${noDirectory}, so no versioned file was found`] : [];
  const changed = new Set<string>();
  const versions = new Set(migrations.map(({ name }) => sortKey(name.version)));
  const applied = new Map([...history.applied.values()].map((row) => [sortKey(row.version ?? ''), row]));
  const newest = [...history.applied.keys()].sort(compareVersions).at(-1);

  const pending = new Map(
    migrations.flatMap((each) => (applied.has(sortKey(each.name.version)) ? [] : [[each.file.sha256, each] as const])),
  );
  if (noDirectory !== undefined && applied.size > 0 && !policy.missing) problems.push(noDirectoryError(noDirectory, applied.size));
  for (const row of history.applied.values()) {
    const key = sortKey(row.version ?? '');
    if (row.kind === 'baseline' || versions.has(key) || unread.has(key)) continue;
    if (policy.missing) warnings.push(`${row.name} is applied and its file is gone`);
    else if (noDirectory === undefined) problems.push(missingError(row, pending.get(row.sha256)));
  }
  for (const [version, statements] of history.begun) {
    if (versions.has(sortKey(version)) || unread.has(sortKey(version))) continue;
    const gone = begunAndGoneError(version, statements);
    if (policy.missing) warnings.push(gone.message);
    else problems.push(gone);
  }
  for (const version of history.undoing.keys()) {
    problems.push(
      new DbadminError(
        'migration-invalid',
        `${history.applied.get(version)?.name ?? version} is half undone: its down section was interrupted`,
        {
          hint: 'Finish it: dbadmin migrate down',
        },
      ),
    );
  }
  const versioned: PendingMigration[] = [];
  for (const migration of migrations) {
    const row = applied.get(sortKey(migration.name.version));
    if (row !== undefined) {
      if (row.sha256 === migration.file.sha256 && row.name !== migration.name.file && row.kind === 'versioned')
        warnings.push(`${migration.file.path} was applied as ${row.name}; its version and text are the same`);
      if (row.sha256 === migration.file.sha256 || row.kind === 'baseline') continue;
      const body = observed.storedBodies.get(row.version ?? '') ?? '';
      if (sameMeaning(body, migration.file, parser))
        warnings.push(`${migration.file.path} changed after it was applied, only in comments, space or its down section`);
      else {
        changed.add(migration.name.version);
        problems.push(changedError(migration, row, body));
      }
      continue;
    }
    if (newest !== undefined && compareVersions(migration.name.version, newest) < 0 && !policy.outOfOrder) {
      problems.push(outOfOrderError(migration, newest, history.applied.get(newest)?.name ?? newest, now));
    }
    collect(problems, () => versioned.push(pendingMigration(migration, history, parser)));
  }
  checkRequires(versioned, applied, problems);
  const routines = planRoutines(observed, parser, problems);
  for (const name of history.routines.keys()) {
    if (!observed.routines.some((each) => each.name === name) && !unread.has(name)) {
      warnings.push(`routine ${name} is applied and its file is gone; drop what it made in a versioned migration`);
    }
  }
  return { versioned, routines, changed, problems, warnings };
}

function pendingMigration(migration: MigrationFile, history: History, parser: SqlParser): PendingMigration {
  const parsed = parseSqlFile(migration.file, parser);
  const key = sortKey(migration.name.version);
  const begun = [...history.begun].find(([version]) => sortKey(version) === key)?.[1];
  const finished = new Set<number>();
  let interrupted: number | undefined;
  for (const [number, statement] of begun ?? []) {
    if (!statement.finished) {
      interrupted = number;
      continue;
    }
    finished.add(number);
    const now = parsed.statements[number - 1];
    if (now !== undefined && statementSha(now) === statement.sha256) continue;
    throw invalidAt(
      migration.file.path,
      migration.file.text,
      now?.start ?? 0,
      `statement ${number} was applied by an interrupted run and is another one now`,
      'Put statements that already ran back as they were; the one that failed and those after it may change.',
    );
  }
  if (finished.size > 0 && parsed.directives.transaction) {
    throw new DbadminError(
      'migration-invalid',
      `${migration.file.path}: ${finished.size} of its statements are applied, so it must stay no-transaction`,
    );
  }
  return { ...migration, parsed, finished, interrupted };
}

function checkRequires(pending: readonly PendingMigration[], applied: ReadonlyMap<string, unknown>, problems: DbadminError[]): void {
  const before = new Set<string>();
  for (const { name, file, parsed } of pending) {
    for (const { version, offset } of parsed.directives.requires) {
      const key = sortKey(version);
      if (applied.has(key) || before.has(key)) continue;
      problems.push(invalidAt(file.path, file.text, offset, `requires ${version}, which is neither applied nor pending before it`));
    }
    before.add(sortKey(name.version));
  }
}

function planRoutines(observed: Observed, parser: SqlParser, problems: DbadminError[]): readonly ChangedRoutine[] {
  const changed = new Map<string, ChangedRoutine>();
  for (const { name, file } of observed.routines) {
    const row = observed.history.routines.get(name);
    if (row?.sha256 === file.sha256) continue;
    collect(problems, () => {
      const routine = { name, file, parsed: parseSqlFile(file, parser) };
      checkRepeatable(routine);
      const body = observed.storedBodies.get(name);
      if (row === undefined || body === undefined) changed.set(name, { ...routine, change: 'new', diff: [], outdated: [] });
      else {
        const before = signaturesOf(parseSqlFile({ ...file, text: body }, parser).statements);
        const outdated = outdatedOverloads(before, signaturesOf(routine.parsed.statements));
        changed.set(name, { ...routine, change: 'changed', diff: diffLines(body, file.text), outdated });
      }
    });
  }
  let ordered: readonly ChangedRoutine[] = [];
  collect(problems, () => {
    ordered = orderRoutines([...changed.values()]).flatMap(({ name }) => changed.get(name) ?? []);
  });
  return ordered;
}

/** Whether two texts parse to the same statements with the same directives and data. */
function sameMeaning(body: string, file: SqlFile, parser: SqlParser): boolean {
  try {
    const [before, after] = [parseSqlFile({ ...file, text: body }, parser), parseSqlFile(file, parser)];
    return meaning(before) === meaning(after);
  } catch (error) {
    if (isDbadminError(error, 'migration-invalid')) return false;
    throw error;
  }
}

function meaning({ directives, statements }: ParsedSql): string {
  return JSON.stringify([
    directives.transaction,
    statements.map(({ node, text, copyData }) => [node === undefined ? text : withoutPlaces(node), copyData]),
  ]);
}

function collect(problems: DbadminError[], attempt: () => void): void {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof DbadminError) || error.code === 'internal') throw error;
    problems.push(error);
  }
}
