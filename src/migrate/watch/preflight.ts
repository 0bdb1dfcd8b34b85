import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { describeBlocker, type Blocker } from './activity.ts';
import { afterStatement, startOfFile } from '../effects/after.ts';
import { effectsOf } from '../effects/effects.ts';
import { NOTHING_KNOWN, type KnownObjects } from '../effects/known-objects.ts';
import { showRelation } from '../effects/relation-name.ts';
import type { MigrationPlan } from '../plan.ts';

/** What pending files need of the server, as far as it matters whether it is busy. */
export interface Touched {
  /** Quoted names of relations that were there before. */
  readonly relations: readonly string[];
  /** Something is built, dropped or detached concurrently: that waits for every older transaction of the database. */
  readonly waitsForAll: boolean;
}

/** Which relations a plan touches. */
export function touchedBy({ versioned }: Pick<MigrationPlan, 'versioned'>): Touched {
  const relations = new Set<string>();
  let waitsForAll = false;
  // Shared and added to: ten thousand copies of it would take seconds.
  const earlier = new Set<string>();
  let known: KnownObjects = { ...NOTHING_KNOWN, earlier };
  for (const { parsed } of versioned) {
    for (const statement of parsed.statements) {
      if (statement.kind.command.endsWith('CONCURRENTLY')) waitsForAll = true;
      for (const { relation, isNew } of effectsOf(statement, known)) if (!isNew) relations.add(showRelation(relation));
      known = afterStatement(statement, known);
    }
    for (const key of known.made) earlier.add(key);
    known = startOfFile(known);
  }
  return { relations: [...relations], waitsForAll };
}

/** From where on something is worth a word. */
export interface PreflightLimits {
  /** Age of a transaction. */
  readonly transactionMs: number;
  /** WAL that a replica has to catch up with. */
  readonly replicaBytes: number;
}

export const PREFLIGHT_LIMITS: PreflightLimits = { transactionMs: 5 * 60_000, replicaBytes: 256 * 1024 * 1024 };

/** What the server is busy with that a run would wait for, or make worse. */
export interface PreflightFacts {
  /** Open for long, and in the way. */
  readonly transactions: readonly Blocker[];
  /** Tables that autovacuum is freezing: it does not give way to a lock as it does otherwise. */
  readonly frozenTables: readonly { readonly table: string; readonly pid: number }[];
  /** The last attempt to archive WAL failed; undefined when it did not. */
  readonly archiver: { readonly segment: string; readonly failures: number; readonly sinceMs: number } | undefined;
  /** Replicas that are far behind. */
  readonly replicas: readonly { readonly name: string; readonly lagBytes: number }[];
}

/** What to say before a run, most pressing first. Nothing when nothing is in the way. */
export function preflightWarnings(facts: PreflightFacts): readonly string[] {
  const { archiver } = facts;
  return [
    ...facts.transactions.map((each) => `this run may have to wait for ${describeBlocker(each)}`),
    ...facts.frozenTables.map(
      ({ table, pid }) =>
        `autovacuum (process ${pid}) freezes ${table} to prevent wraparound and gives way to nobody: let it end, or expect to wait`,
    ),
    ...(archiver === undefined
      ? []
      : [
          `the server cannot archive its WAL: ${archiver.segment} failed ${formatDuration(archiver.sinceMs)} ago, ${archiver.failures.toLocaleString('en')} failures so far; what this run writes stays on the server until it can`,
        ]),
    ...facts.replicas.map(
      ({ name, lagBytes }) => `replica ${name} is ${formatBytes(lagBytes)} of WAL behind; what this run writes comes on top`,
    ),
  ];
}
