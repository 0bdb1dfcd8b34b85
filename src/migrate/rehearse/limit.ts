import { formatDuration } from '../../base/durations.ts';
import type { LockMode } from '../effects/lock-modes.ts';
import type { Statement } from '../files/migration.ts';
import type { RehearsedFile, RehearsedStatement } from './record.ts';
import { saferWay } from './safer.ts';

/** A table that a file keeps others from for longer than they are to wait. */
export interface OverLimit {
  readonly file: string;
  readonly table: string;
  readonly blocks: 'reads and writes' | 'writes';
  readonly blockedMs: number;
  readonly mode: LockMode;
  readonly statement: StatementPlace;
  /** Another statement that takes most of the time for which the lock is held; null where there is none. */
  readonly longest: (StatementPlace & { readonly tookMs: number }) | null;
  /** What to do instead, as a sentence. */
  readonly hint: string;
}

export interface StatementPlace {
  readonly file: string;
  readonly number: number;
  readonly line: number;
  readonly command: string;
  readonly object: string | null;
}

/** A lock that another statement keeps is mostly that one's doing from this share of the time on. */
const MOSTLY = 0.5;

/** Every table of a file whose readers or writers would wait longer than `limitMs`. `statements` are those of the file, in their order. */
export function overLimit(file: RehearsedFile, statements: readonly Statement[], limitMs: number): readonly OverLimit[] {
  return file.blocked.flatMap(({ table, reads, writes }): readonly OverLimit[] => {
    const isRead = (reads?.ms ?? 0) > limitMs;
    const block = isRead ? reads : writes;
    if (block === null || block.ms <= limitMs) return [];
    const taker = file.statements[block.by];
    const slowest = file.statements[block.longest];
    if (taker === undefined || slowest === undefined) return [];
    return [
      {
        file: file.path,
        table,
        blocks: isRead ? 'reads and writes' : 'writes',
        blockedMs: block.ms,
        mode: block.mode,
        statement: place(taker),
        longest: slowest === taker || slowest.tookMs < block.ms * MOSTLY ? null : { ...place(slowest), tookMs: slowest.tookMs },
        hint: hintFor(block, file, statements),
      },
    ];
  });
}

function hintFor(
  block: { readonly ms: number; readonly by: number; readonly longest: number },
  file: RehearsedFile,
  statements: readonly Statement[],
): string {
  const slowest = file.statements[block.longest];
  const way = (index: number): string | undefined => {
    const statement = statements[index];
    return statement === undefined ? undefined : saferWay(statement);
  };
  if (block.longest === block.by || slowest === undefined || slowest.tookMs < block.ms * MOSTLY) {
    const isAlone = (file.statements[block.by]?.tookMs ?? 0) >= block.ms * MOSTLY;
    const otherwise = isAlone
      ? 'dbadmin knows no way to do it without this lock: run it when others can wait'
      : 'let it stand in a file of its own, so that the lock is held for nothing else';
    return `${sentence(way(block.by) ?? otherwise)}.`;
  }
  const instead = way(block.longest) ?? 'move it into a file of its own, so that the lock is not held meanwhile';
  return `Statement ${slowest.number} takes ${formatDuration(slowest.tookMs)} of it: ${instead}.`;
}

function place({ file, number, line, command, object }: RehearsedStatement): StatementPlace {
  return { file, number, line, command, object };
}

function sentence(text: string): string {
  if (text.startsWith('dbadmin')) return text;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
