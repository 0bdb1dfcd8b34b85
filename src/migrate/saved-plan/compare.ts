import { DbadminError } from '../../base/errors.ts';
import { showRelation } from '../effects/relation-name.ts';
import type { PlanState } from './format.ts';

/**
 * What moved between two moments, one sentence each; empty when nothing did.
 *
 * A system identifier that either side could not read is not compared. `now` has digests of all relations of `saved`.
 */
export function whatMoved(saved: PlanState, now: PlanState): readonly string[] {
  const moved: string[] = [];
  if (saved.database !== now.database) moved.push(`It was made for database ${saved.database}, and this is ${now.database}.`);
  if (saved.system !== null && now.system !== null && saved.system !== now.system) {
    moved.push(`It was made for the cluster with system identifier ${saved.system}, and this one has ${now.system}.`);
  }
  if (saved.history.sha256 !== now.history.sha256) moved.push(historyMoved(saved.history, now.history));
  moved.push(
    ...listMoved(
      saved.versioned.map(({ file, sha256 }) => [file, sha256]),
      now.versioned.map(({ file, sha256 }) => [file, sha256]),
      'file',
    ),
    ...listMoved(
      saved.routines.map(({ name, sha256 }) => [name, sha256]),
      now.routines.map(({ name, sha256 }) => [name, sha256]),
      'routine',
    ),
    ...relationsMoved(saved.relations, now.relations),
  );
  return moved;
}

/** @throws {DbadminError} `plan-stale` saying what moved. */
export function refuseStalePlan(saved: PlanState, now: PlanState): void {
  const moved = whatMoved(saved, now);
  if (moved.length === 0) return;
  throw new DbadminError('plan-stale', 'the saved plan is not what would run now; nothing was applied', {
    detail: moved.join('\n'),
    hint: 'Look at the new plan and save it again: dbadmin migrate plan --out FILE.',
  });
}

function historyMoved(saved: PlanState['history'], now: PlanState['history']): string {
  const words = ({ applied, newest }: PlanState['history']): string => `${applied} applied, the newest ${newest ?? 'none'}`;
  if (words(saved) === words(now)) return `The history has other rows than then (${words(now)}, as then).`;
  return `The history has moved: then ${words(saved)}; now ${words(now)}.`;
}

type Entry = readonly [name: string, sha256: string | null];

function listMoved(saved: readonly Entry[], now: readonly Entry[], what: string): readonly string[] {
  const [before, after] = [new Map(saved), new Map(now)];
  const moved = [
    ...now.filter(([name]) => !before.has(name)).map(([name]) => `${what} ${name} is pending and was not in the plan.`),
    ...saved.flatMap(([name, sha256]) => {
      if (!after.has(name)) return [`${what} ${name} is in the plan and no longer pending.`];
      return after.get(name) === sha256 ? [] : [`${what} ${name} has another text.`];
    }),
  ];
  if (moved.length > 0) return moved;
  return saved.some(([name], index) => now[index]?.[0] !== name) ? [`The ${what}s would run in another order.`] : [];
}

function relationsMoved(saved: PlanState['relations'], now: PlanState['relations']): readonly string[] {
  const nameOf = ({ schema, name }: PlanState['relations'][number]): string => showRelation({ schema: schema ?? undefined, name });
  const after = new Map(now.map((each) => [nameOf(each), each.sha256]));
  return saved.flatMap((each) => {
    const name = nameOf(each);
    const found = after.get(name) ?? null;
    if (found === each.sha256) return [];
    if (each.sha256 === null) return [`${name} was not there and is now.`];
    return [found === null ? `${name} was there and is not now.` : `${name} has been altered.`];
  });
}
