import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import type { Work } from '../effects/effect.ts';
import type { ForeseenEffect, ForeseenStatement } from '../effects/foresee.ts';
import { blockedBy, lockLevel, type LockMode } from '../effects/lock-modes.ts';
import { showRelation } from '../effects/relation-name.ts';
import { statementSha } from '../files/migration.ts';
import type { RehearsalRecord, RehearsedFile } from './record.ts';

/** A pending file, or all pending routines, which run in one transaction (`version` undefined). */
export interface ForecastFile {
  readonly version: string | undefined;
  readonly file: string;
  readonly statements: readonly ForeseenStatement[];
}

/** A table that others would wait for. */
export interface ForecastBlock {
  readonly file: string;
  readonly table: string;
  readonly blocks: 'reads+writes' | 'writes';
  readonly lock: LockMode;
  /** Of the statement that takes the lock: its number in the file, and its line. */
  readonly statement: number;
  readonly line: number;
  /** As measured on the clone; null where this text has not been rehearsed. */
  readonly ms: number | null;
  /** What the statement does to the table meanwhile, and how large that is; null where it was measured, or nobody knows. */
  readonly work: Work | null;
  readonly sizeBytes: number | null;
}

/** What the pending files will block, and for how long. */
export interface Forecast {
  /** `rehearsal`: every file was measured as it stands now. `locks`: none was, and locks tell no times. `both`: some. */
  readonly source: 'rehearsal' | 'locks' | 'both';
  /** When it was measured, ISO 8601; null for `locks`. */
  readonly rehearsedAt: string | null;
  /** The longest measured block; null where nothing was measured. */
  readonly longestMs: number | null;
  /** What is known to take longest first, then what is not known, the most work first. */
  readonly blocks: readonly ForecastBlock[];
  /** All of it in words. */
  readonly sentence: string;
}

const WORKS: readonly Work[] = ['rewrite', 'build', 'scan', 'none'];

/**
 * Tells what each file keeps others from: by the last rehearsal where its statements are the same now, else by its locks on what was
 * there before it. Undefined when nothing is pending.
 */
export function forecast(files: readonly ForecastFile[], rehearsal: RehearsalRecord | undefined): Forecast | undefined {
  if (files.length === 0) return undefined;
  const told = files.map((file) => {
    const measured = rehearsal === undefined ? undefined : rehearsedAs(file, rehearsal);
    return {
      measured,
      opaque: measured === undefined && file.statements.some(({ isOpaque }) => isOpaque),
      blocks: measured === undefined ? byLocks(file) : byRehearsal(file, measured),
    };
  });
  const rehearsed = told.filter(({ measured }) => measured !== undefined).length;
  const source = rehearsed === 0 ? 'locks' : rehearsed === files.length ? 'rehearsal' : 'both';
  const blocks = told.flatMap((each) => each.blocks).toSorted(worseFirst);
  const base = {
    source,
    rehearsedAt: rehearsed === 0 ? null : (rehearsal?.at ?? null),
    longestMs: rehearsed === 0 ? null : Math.max(0, ...blocks.map(({ ms }) => ms ?? 0)),
    blocks,
  } as const;
  return {
    ...base,
    sentence: describe(
      base,
      told.some(({ opaque }) => opaque),
    ),
  };
}

/** What was measured of a file, if it ran whole and has the same statements now. */
function rehearsedAs({ version, statements }: ForecastFile, { files }: RehearsalRecord): RehearsedFile | undefined {
  const found = files.find((file) => (version === undefined ? file.kind === 'routines' : file.version === version));
  if (found === undefined || !found.applied || found.statements.length !== statements.length) return undefined;
  return statements.every(({ statement }, index) => found.statements[index]?.sha256 === statementSha(statement)) ? found : undefined;
}

function byRehearsal({ file }: ForecastFile, { blocked, statements }: RehearsedFile): readonly ForecastBlock[] {
  return blocked.flatMap(({ table, reads, writes }): readonly ForecastBlock[] => {
    const block = (reads?.ms ?? 0) >= (writes?.ms ?? 0) ? (reads ?? writes) : writes;
    const by = block === null ? undefined : statements[block.by];
    if (block === null || by === undefined) return [];
    const blocks = block === reads ? 'reads+writes' : 'writes';
    return [{ file, table, blocks, lock: block.mode, statement: by.number, line: by.line, ms: block.ms, work: null, sizeBytes: null }];
  });
}

/** For each table the first statement that locks it most strongly: from there to the commit others wait. */
function byLocks({ file, statements }: ForecastFile): readonly ForecastBlock[] {
  const found = new Map<string, ForecastBlock>();
  for (const { statement, effects } of statements) {
    for (const effect of effects) {
      const blocks = effect.isNew || !isTable(effect) ? 'nothing' : blockedBy(effect.lock);
      if (blocks === 'nothing') continue;
      const table = showRelation(effect.facts?.relation ?? effect.relation);
      const before = found.get(table);
      const work = before?.work == null || WORKS.indexOf(effect.work) < WORKS.indexOf(before.work) ? effect.work : before.work;
      if (before !== undefined && lockLevel(before.lock) >= lockLevel(effect.lock)) {
        found.set(table, { ...before, work });
        continue;
      }
      const { number, line } = statement;
      found.set(table, {
        file,
        table,
        blocks,
        lock: effect.lock,
        statement: number,
        line,
        ms: null,
        work,
        sizeBytes: effect.facts?.sizeBytes ?? null,
      });
    }
  }
  return [...found.values()];
}

/** Whoever uses an index or a sequence waits for it by its table; views are left to whoever reads the plan. */
function isTable({ facts }: ForeseenEffect): boolean {
  return facts === undefined || ['r', 'p', 'm', 'f'].includes(facts.kind);
}

function worseFirst(a: ForecastBlock, b: ForecastBlock): number {
  if (a.ms !== null || b.ms !== null) return (b.ms ?? -1) - (a.ms ?? -1);
  return WORKS.indexOf(a.work ?? 'none') - WORKS.indexOf(b.work ?? 'none') || (b.sizeBytes ?? 0) - (a.sizeBytes ?? 0);
}

function describe({ source, blocks }: Omit<Forecast, 'sentence'>, isOpaque: boolean): string {
  const measured = blocks.find(({ ms }) => ms !== null);
  const unmeasured = blocks.find(({ ms }) => ms === null);
  const unclear = isOpaque ? ' What some statements run is not known before.' : '';
  const known =
    measured === undefined
      ? 'Nobody waits for a table, as the rehearsal measured.'
      : `${whom(measured)} wait up to ${formatDuration(measured.ms ?? 0)} for ${measured.table}, as the rehearsal measured${more(blocks, measured)}.`;
  if (source === 'rehearsal') return known;
  const unknown =
    unmeasured === undefined
      ? 'Nobody waits for a table, as far as locks tell.'
      : `${whom(unmeasured)} wait for ${unmeasured.table}${workText(unmeasured)}; for how long, no rehearsal has measured${more(blocks, unmeasured)}.`;
  return source === 'locks' ? `${unknown}${unclear}` : `${known} Of the files that were not rehearsed as they are: ${unknown}${unclear}`;
}

function whom({ blocks }: ForecastBlock): string {
  return blocks === 'writes' ? 'Writes' : 'Reads and writes';
}

function more(blocks: readonly ForecastBlock[], shown: ForecastBlock): string {
  const others = new Set(
    blocks.filter(({ ms, table }) => (ms === null) === (shown.ms === null) && table !== shown.table).map(({ table }) => table),
  ).size;
  return others === 0 ? '' : `; ${others === 1 ? 'one more table is' : `${others} more tables are`} blocked too`;
}

function workText({ work, sizeBytes }: ForecastBlock): string {
  const size = sizeBytes === null ? '' : ` (${formatBytes(sizeBytes)})`;
  switch (work) {
    case 'rewrite':
      return ` while it is written anew${size}`;
    case 'build':
      return ` while an index on it is built${size}`;
    case 'scan':
      return ` while all of it is read${size}`;
    case 'none':
    case null:
      return size;
  }
}
