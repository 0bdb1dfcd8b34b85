import { blockedBy, type LockMode } from '../effects/lock-modes.ts';
import type { Block, RehearsedFile } from './record.ts';

/** A lock from the beginning of the statement that took it until it was given up. Moments are milliseconds of one clock. */
export interface LockSpan {
  /** Whose queries meet it. */
  readonly table: string;
  readonly mode: LockMode;
  /** Place of that statement among those of its file, from 0. */
  readonly by: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** When a statement ran. */
export interface Run {
  readonly fromMs: number;
  readonly untilMs: number;
}

type Blocked = RehearsedFile['blocked'];

/** The longest that each table's readers and writers would have waited at one go, the worst table first. */
export function longestBlocks(spans: readonly LockSpan[], runs: readonly Run[]): Blocked {
  const tables = [...new Set(spans.map(({ table }) => table))];
  return tables
    .map((table) => {
      const own = spans.filter((span) => span.table === table);
      const reads = longest(
        own.filter(({ mode }) => blockedBy(mode) === 'reads+writes'),
        runs,
      );
      const writes = longest(
        own.filter(({ mode }) => blockedBy(mode) !== 'nothing'),
        runs,
      );
      return { table, reads, writes };
    })
    .filter(({ reads, writes }) => reads !== null || writes !== null)
    .sort((a, b) => worst(b) - worst(a) || (a.table < b.table ? -1 : 1));
}

/** The longer of the two waits of a table. */
export function worst({ reads, writes }: Blocked[number]): number {
  return Math.max(reads?.ms ?? 0, writes?.ms ?? 0);
}

/** Locks that overlap are one wait: whoever waited for the first waits for the next. */
function longest(spans: readonly LockSpan[], runs: readonly Run[]): Block | null {
  let found: Block | null = null;
  let current: { by: number; mode: LockMode; fromMs: number; untilMs: number } | undefined;
  for (const span of spans.toSorted((a, b) => a.fromMs - b.fromMs || a.by - b.by)) {
    if (current === undefined || span.fromMs > current.untilMs) current = { ...span };
    else current.untilMs = Math.max(current.untilMs, span.untilMs);
    const ms = current.untilMs - current.fromMs;
    if (found !== null && found.ms >= ms) continue;
    found = { ms, mode: current.mode, by: current.by, longest: mostOf(current, runs) };
  }
  return found;
}

/** The statement that has the greatest part in a stretch of time. */
function mostOf({ fromMs, untilMs }: Run, runs: readonly Run[]): number {
  const parts = runs.map((run) => Math.min(untilMs, run.untilMs) - Math.max(fromMs, run.fromMs));
  return parts.indexOf(Math.max(...parts));
}
