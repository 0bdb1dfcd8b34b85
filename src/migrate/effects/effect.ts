import { lockLevel, stronger, type LockMode } from './lock-modes.ts';
import { relationKey, type RelationName } from './relation-name.ts';

/**
 * What a statement makes the server do with the rows of a relation while it holds the lock: nothing, read them all, read them all
 * and build an index, or write them all anew.
 */
export type Work = 'none' | 'scan' | 'build' | 'rewrite';

/** What a statement does to one relation, as far as its parse tree and PostgreSQL's rules tell. */
export interface Effect {
  readonly relation: RelationName;
  readonly lock: LockMode;
  readonly work: Work;
  /** Made by an earlier statement of the same file: nobody waits for it. */
  readonly isNew: boolean;
  /** Set where the tree alone does not decide and the worse is taken: `the type of a is not known here`. */
  readonly assumed?: string;
}

/** An effect before it is known whether the relation is new. */
export type Touch = Omit<Effect, 'isNew'>;

/** What one part of an ALTER does to its table and to others. */
export interface SubcommandEffect {
  readonly lock: LockMode;
  readonly work?: Work;
  readonly assumed?: string | undefined;
  readonly others?: readonly Touch[];
  /** It concerns the named table alone, whatever inherits from it. */
  readonly staysAbove?: boolean;
}

const WORKS: readonly Work[] = ['none', 'scan', 'build', 'rewrite'];

/** The greater of two. */
export function moreWork(a: Work, b: Work): Work {
  return WORKS.indexOf(a) >= WORKS.indexOf(b) ? a : b;
}

export function touch(relation: RelationName | undefined, lock: LockMode, work: Work = 'none', assumed?: string): readonly Touch[] {
  if (relation === undefined) return [];
  return [assumed === undefined ? { relation, lock, work } : { relation, lock, work, assumed }];
}

/** One touch for each relation, with the strongest lock and the most work of all. In the order first seen. */
export function mergeTouches(touches: readonly Touch[]): readonly Touch[] {
  const merged = new Map<string, Touch>();
  for (const each of touches) {
    const key = relationKey(each.relation);
    const before = merged.get(key);
    merged.set(key, before === undefined ? each : combine(before, each));
  }
  return [...merged.values()];
}

function combine(a: Touch, b: Touch): Touch {
  const work = moreWork(a.work, b.work);
  const assumed = [a, b].find((each) => each.work === work && each.assumed !== undefined)?.assumed;
  // What one part does for certain is no longer an assumption.
  const certain = [a, b].some((each) => each.work === work && each.assumed === undefined);
  const base = { relation: a.relation, lock: stronger(a.lock, b.lock), work };
  return assumed === undefined || certain ? base : { ...base, assumed };
}

/** The effect with the strongest lock; the one with more work of equals; undefined when there is none. */
export function strongest<Each extends Touch>(effects: readonly Each[]): Each | undefined {
  return effects.toSorted((a, b) => lockLevel(b.lock) - lockLevel(a.lock) || WORKS.indexOf(b.work) - WORKS.indexOf(a.work))[0];
}
