import type { ChangedRoutine } from '../plan.ts';
import { refuseLoss } from '../replace/apply.ts';
import { findMissing } from '../replace/inspect.ts';
import { makersOf, type DroppedDependent } from '../replace/plan.ts';
import { applyRoutineFile, type RoutineFileContext } from './apply-file.ts';
import { orderRoutines, type Routine } from './routines.ts';

export interface RoutinesToApply {
  /** In the order in which they can be applied. */
  readonly routines: readonly ChangedRoutine[];
  /** Every routine of the project, asked for only when one of them has to be made again. */
  readonly all: () => readonly Routine[];
}

/** Ends the round of files that take from each other, or from themselves, what they make. */
const MOST_RUNS = 10;

/**
 * Runs the files in their order, and files whose views and routines had to go for others once more, before what needs them.
 * `beforeEach` is awaited before each file. Gives the routines that ran although they are not among those to apply.
 *
 * @throws {DbadminError} `migration-failed`, also when something that was dropped for another is not there at the end.
 */
export async function applyRoutineFiles(
  { routines, all }: RoutinesToApply,
  context: Omit<RoutineFileContext, 'makers' | 'dropped' | 'again'>,
  beforeEach: () => Promise<void>,
): Promise<readonly Routine[]> {
  const { session, signal } = context;
  const again = new Set<string>();
  const dropped = new Map<string, DroppedDependent>();
  const makers = memo(() => makersOf(all()));
  const file: RoutineFileContext = { ...context, makers, dropped, again: (name) => void again.add(name) };
  const wanted = new Set(routines.map(({ name }) => name));
  const runs = new Map<string, number>();
  const remade = new Set<Routine>();
  let waiting: readonly Routine[] = routines;
  for (let [next] = waiting; next !== undefined; [next] = waiting) {
    const { name } = next;
    signal.throwIfAborted();
    await beforeEach();
    await applyRoutineFile(next, file);
    waiting = waiting.slice(1);
    runs.set(name, (runs.get(name) ?? 0) + 1);
    if (!wanted.has(name)) remade.add(next);
    // What a file dropped of its own, a later statement of it has mostly made again.
    if (again.has(name) && (await findMissing(session, madeBy(name, dropped))).length === 0) again.delete(name);
    if (again.size === 0) continue;
    const waits = new Set(waiting.map((each) => each.name));
    const more = all().filter((each) => again.has(each.name) && !waits.has(each.name) && (runs.get(each.name) ?? 0) < MOST_RUNS);
    again.clear();
    if (more.length > 0) waiting = orderRoutines([...waiting, ...more]);
  }
  const missing = await findMissing(session, [...dropped.values()]);
  if (missing.length > 0) refuseLoss(missing);
  return [...remade];
}

function madeBy(name: string, dropped: ReadonlyMap<string, DroppedDependent>): readonly DroppedDependent[] {
  return [...dropped.values()].filter(({ makers }) => makers.some((maker) => maker.name === name));
}

function memo<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}
