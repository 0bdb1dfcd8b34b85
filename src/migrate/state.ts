import type { MigrationPlan, Observed } from './plan.ts';
import { compareVersions, sortKey } from './files/names.ts';

export interface MigrationState {
  readonly version: string;
  readonly file: string;
  /** `begun`: a no-transaction file of which an interrupted run applied a part. */
  readonly state: 'applied' | 'pending' | 'begun' | 'changed' | 'missing';
  readonly appliedAt: Date | null;
  readonly appliedBy: string | null;
}

export interface RoutineState {
  readonly name: string;
  readonly state: 'applied' | 'new' | 'changed' | 'missing';
}

export interface ProjectState {
  /** In the order of versions. */
  readonly migrations: readonly MigrationState[];
  readonly routines: readonly RoutineState[];
  readonly counts: {
    readonly applied: number;
    readonly pending: number;
    readonly changed: number;
    readonly missing: number;
    /** Routines to apply. */
    readonly routines: number;
  };
}

/** Where each file and each applied thing stands. `changed` counts those that changed in more than comments. */
export function describeState({ migrations, routines, history, unread }: Observed, plan: MigrationPlan): ProjectState {
  const applied = new Map([...history.applied.values()].map((row) => [sortKey(row.version ?? ''), row]));
  const onDisk = new Set(migrations.map(({ name }) => sortKey(name.version)));
  const begun = new Set([...history.begun.keys()].map(sortKey));
  const found = migrations.map(({ name }): MigrationState => {
    const row = applied.get(sortKey(name.version));
    const base = { version: name.version, file: name.file };
    if (row === undefined)
      return { ...base, state: begun.has(sortKey(name.version)) ? 'begun' : 'pending', appliedAt: null, appliedBy: null };
    return {
      ...base,
      state: plan.changed.has(name.version) ? 'changed' : 'applied',
      appliedAt: row.finishedAt ?? null,
      appliedBy: row.appliedBy,
    };
  });
  const gone = [...history.applied.values()]
    .filter((row) => row.kind !== 'baseline' && !onDisk.has(sortKey(row.version ?? '')))
    .map((row): MigrationState => {
      const version = row.version ?? '';
      // A file that is there and cannot be read is a problem of its own.
      const state = unread.has(sortKey(version)) ? 'applied' : 'missing';
      return { version, file: row.name, state, appliedAt: row.finishedAt ?? null, appliedBy: row.appliedBy };
    });
  const all = [...found, ...gone].sort((a, b) => compareVersions(a.version, b.version));
  const routineStates = describeRoutines({ routines, history, unread });
  const countOf = (...states: readonly MigrationState['state'][]): number => all.filter(({ state }) => states.includes(state)).length;
  return {
    migrations: all,
    routines: routineStates,
    counts: {
      applied: countOf('applied', 'changed', 'missing'),
      pending: countOf('pending', 'begun'),
      changed: countOf('changed'),
      missing: countOf('missing'),
      routines: routineStates.filter(({ state }) => state === 'new' || state === 'changed').length,
    },
  };
}

function describeRoutines({ routines, history, unread }: Pick<Observed, 'routines' | 'history' | 'unread'>): readonly RoutineState[] {
  const onDisk = new Set(routines.map(({ name }) => name));
  const states = routines.map(({ name, file }): RoutineState => {
    const row = history.routines.get(name);
    return { name, state: row === undefined ? 'new' : row.sha256 === file.sha256 ? 'applied' : 'changed' };
  });
  const gone = [...history.routines.keys()]
    .filter((name) => !onDisk.has(name))
    .map((name): RoutineState => ({ name, state: unread.has(name) ? 'applied' : 'missing' }));
  return [...states, ...gone];
}
