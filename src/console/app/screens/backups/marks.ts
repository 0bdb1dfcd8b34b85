import type { Backup, Drill, Found, Info, Jobs, Ledger, ScheduledRun } from './documents.ts';

/** What is drawn as a mark; the shape of each is the same on every screen. */
export type MarkKind = 'full' | 'incremental' | 'damaged' | 'no-backup' | 'dump' | 'passed' | 'failed' | 'migration' | 'restore-point';

/** All marks of one kind, by time. */
export interface Marks {
  readonly kind: MarkKind;
  readonly atMs: Float64Array;
  /** What each is called, in the same order. */
  readonly names: readonly string[];
}

export const KIND_WORDS: Readonly<Record<MarkKind, readonly [one: string, many: string]>> = {
  full: ['full backup', 'full backups'],
  incremental: ['incremental backup', 'incremental backups'],
  damaged: ['damaged backup', 'damaged backups'],
  'no-backup': ['backup that failed', 'backups that failed'],
  dump: ['dump', 'dumps'],
  passed: ['drill that passed', 'drills that passed'],
  failed: ['drill that did not pass', 'drills that did not pass'],
  migration: ['migration', 'migrations'],
  'restore-point': ['restore point', 'restore points'],
};

export interface Mark {
  readonly at: string;
  readonly name: string;
}

export function marksOf(
  info: Pick<Info, 'dumps' | 'drills'>,
  backups: readonly Backup[],
  ledger: Ledger['entries'],
  points: Found['found'],
  failed: readonly Mark[] = [],
): readonly Marks[] {
  const sound = backups.filter(({ damage }) => damage === null);
  const kindOf = ({ verdict }: Drill): MarkKind => (verdict === 'passed' ? 'passed' : 'failed');
  return [
    sorted('full', sound.filter(({ kind }) => kind === 'full').map(ended)),
    sorted('incremental', sound.filter(({ kind }) => kind === 'incremental').map(ended)),
    sorted('damaged', backups.filter(({ damage }) => damage !== null).map(ended)),
    sorted('no-backup', failed),
    sorted('dump', info.dumps.flatMap(dumped)),
    ...(['passed', 'failed'] as const).map((kind) => sorted(kind, info.drills.filter((drill) => kindOf(drill) === kind).map(drilled))),
    sorted(
      'migration',
      ledger.filter(({ kind }) => kind === 'migration-applied').map(({ at, text }) => ({ at, name: migrationName(text) })),
    ),
    sorted(
      'restore-point',
      points.filter(({ kind }) => kind === 'restore-point').map(({ time, name }) => ({ at: time, name: name ?? '' })),
    ),
  ];
}

function sorted(kind: MarkKind, marks: readonly Mark[]): Marks {
  const all = marks.map(({ at, name }) => ({ atMs: Date.parse(at), name })).filter(({ atMs }) => !Number.isNaN(atMs));
  all.sort((a, b) => a.atMs - b.atMs);
  return { kind, atMs: Float64Array.from(all, ({ atMs }) => atMs), names: all.map(({ name }) => name) };
}

function ended({ finishedAt, label }: Backup): Mark {
  return { at: finishedAt, name: label };
}

function drilled({ finishedAt, label }: Drill): Mark {
  return { at: finishedAt, name: label };
}

/** A dump's label begins with the moment that it brings back. */
function dumped(label: string): readonly Mark[] {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(label) ?? [];
  return second === undefined ? [] : [{ at: `${year}-${month}-${day}T${hour}:${minute}:${second}Z`, name: label }];
}

/** `app before migration 20261117_split.sql (applied …)` in the ledger; here only the file is said. */
function migrationName(text: string): string {
  return /migration (.+?) \(applied /.exec(text)?.[1] ?? text;
}

/** `3 full backups, 6 incremental backups`; the name of one alone. */
export function describeMarks({ kind, names }: Pick<Marks, 'kind' | 'names'>, from: number, until: number): string {
  const count = until - from;
  const [one, many] = KIND_WORDS[kind];
  return count === 1 ? `${one} ${names[from] ?? ''}` : `${count} ${many}`;
}

const TAKES = ['backup', 'dump'];

/** The backups that jobs of a cluster should have taken and did not. */
export function failedBackups(cluster: string, jobs: Jobs['jobs'], runs: readonly ScheduledRun[]): readonly Mark[] {
  const takers = new Set(jobs.filter((job) => job.cluster === cluster && TAKES.includes(job.kind)).map(({ name }) => name));
  return runs
    .filter(({ job, state }) => takers.has(job) && (state === 'failed' || state === 'missed'))
    .map(({ job, state, due, startedAt, endedAt, error }) => ({
      at: endedAt ?? startedAt ?? due,
      name: `${job}, ${state === 'missed' ? 'did not run' : (error ?? 'failed')}`,
    }));
}
