import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { blockedBy, lockLevel } from '../../migrate/effects/lock-modes.ts';
import type { OverLimit } from '../../migrate/rehearse/limit.ts';
import type { Block, RehearsalRecord, RehearsedFile, RehearsedLock, RehearsedStatement } from '../../migrate/rehearse/record.ts';
import type { Output } from '../output.ts';
import { count } from './load-migrations.ts';

const WHAT_WIDTH = 72;
/** A change of a partitioned table locks hundreds. */
const SHOWN_AT_MOST = 8;
const WORTH_A_LINE_MS = 10;
/** Readers and writers take these themselves; they are worth a line only in the JSON. */
const ORDINARY = lockLevel('RowExclusive');

/** Prints what a rehearsal measured, file by file, and the verdict last. */
export function showRehearsal(output: Output, record: RehearsalRecord, over: readonly OverLimit[], maxBlockMs: number | undefined): void {
  for (const file of record.files) showFile(output, file);
  output.line();
  if (record.files.length === 0) output.line(`nothing is pending in ${record.database} as it was then`);
  else output.line(summary(record, over, maxBlockMs));
  for (const [index, each] of over.entries()) showOver(output, each, over[index - 1]?.hint !== each.hint);
}

function showFile(output: Output, file: RehearsedFile): void {
  const statements = file.statements;
  const cost = `${formatDuration(file.tookMs)}, ${formatBytes(file.walBytes)} of WAL${file.transaction ? '' : '   no-transaction'}`;
  output.line();
  output.line(`${output.style('bold', name(file))}   ${file.applied ? cost : output.style('bad', 'failed')}`);
  for (const [index, statement] of statements.entries()) {
    const before = statements[index - 1]?.file;
    if (file.kind === 'routines' && statement.file !== before) output.line(`  ${statement.file}`);
    showStatement(output, statement);
  }
  if (file.applied && file.transaction && file.commitMs >= WORTH_A_LINE_MS) {
    output.line(`     ${'commit, with the row of the history'.padEnd(WHAT_WIDTH)}  ${formatDuration(file.commitMs).padStart(8)}`);
  }
  for (const { table, reads, writes } of file.blocked.slice(0, SHOWN_AT_MOST)) {
    output.line(`  ${output.style('warn', 'blocks')}  ${table}   ${describeBlocks(reads, writes, file)}`);
  }
  if (file.blocked.length > SHOWN_AT_MOST) output.line(`  blocks  ${count(file.blocked.length - SHOWN_AT_MOST, 'more table')} (--json)`);
  if (file.applied && file.blocked.length === 0) output.line(`  blocks  nobody`);
}

function name(file: RehearsedFile): string {
  return file.kind === 'routines' ? 'routines, in one transaction' : (file.path.split('/').at(-1) ?? file.path);
}

function showStatement(output: Output, statement: RehearsedStatement): void {
  const { number, text, tookMs, walBytes, rows, rewrites } = statement;
  const locks = statement.locks.filter(({ mode }) => lockLevel(mode) > ORDINARY);
  const cells = [
    `${String(number).padStart(3)}  ${shorten(text).padEnd(WHAT_WIDTH)}`,
    formatDuration(tookMs).padStart(8),
    `${formatBytes(walBytes)} WAL`.padStart(12),
    ...(rows === null || rows === 0 ? [] : [count(rows, 'row')]),
    ...(locks.length > 0 && rewrites.length === 0 ? ['no rewrite'] : []),
  ];
  output.line(cells.join('  '));
  const groups = groupLocks(locks);
  for (const group of groups.slice(0, SHOWN_AT_MOST)) output.line(`       ${describeLocks(group)}`);
  if (groups.length > SHOWN_AT_MOST) output.line(`       and ${count(groups.length - SHOWN_AT_MOST, 'more table')} (--json)`);
  if (rewrites.length === 0) return;
  const whole = new Set(rewrites.flatMap(({ relation, kind }) => (kind === 'table' ? [relation] : [])));
  const rewritten = rewrites
    .filter(({ relation, kind }) => kind !== 'toast' || !whole.has(relation))
    .map(({ relation, kind }) => (kind === 'table' ? relation : `${kind === 'toast' ? 'the TOAST' : kind} ${relation}`));
  const more = rewritten.length > SHOWN_AT_MOST ? ` and ${rewritten.length - SHOWN_AT_MOST} more (--json)` : '';
  output.line(`       ${output.style('warn', 'rewrites')} ${rewritten.slice(0, SHOWN_AT_MOST).join(', ')}${more}`);
}

function shorten(text: string): string {
  return text.length > WHAT_WIDTH ? `${text.slice(0, WHAT_WIDTH - 1)}…` : text;
}

/** The indexes of one table that are locked alike belong into one line. */
function groupLocks(locks: readonly RehearsedLock[]): readonly (readonly [RehearsedLock, ...RehearsedLock[]])[] {
  const groups = new Map<string, [RehearsedLock, ...RehearsedLock[]]>();
  for (const lock of locks) {
    const key = lock.table === lock.relation ? lock.relation : JSON.stringify([lock.mode, lock.table]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [lock]);
    else group.push(lock);
  }
  return [...groups.values()];
}

function describeLocks([lock, ...others]: readonly [RehearsedLock, ...RehearsedLock[]]): string {
  const { mode, relation, relationKind, table, sizeBytes, rows, heldMs } = lock;
  const size = [
    ...(sizeBytes === null || sizeBytes === 0 ? [] : [formatBytes(sizeBytes)]),
    ...(rows === null || rows === 0 ? [] : [`${short(rows)} rows`]),
  ];
  const kind = relationKind === 'table' ? '' : `${relationKind} `;
  const what =
    table === relation
      ? `${kind}${relation}${size.length === 0 ? '' : ` (${size.join(', ')})`}`
      : `${count(1 + others.length, 'index', 'indexes')} of ${table}: ${[lock, ...others].map((each) => each.relation).join(', ')}`;
  return `${mode} on ${what}   ${whom(lock)}, held ${formatDuration(heldMs)}`;
}

function whom({ mode }: RehearsedLock): string {
  switch (blockedBy(mode)) {
    case 'reads+writes':
      return 'blocks reads and writes';
    case 'writes':
      return 'blocks writes';
    case 'nothing':
      return 'blocks neither reads nor writes';
  }
}

function describeBlocks(reads: Block | null, writes: Block | null, file: RehearsedFile): string {
  const main = reads !== null && reads.ms >= (writes?.ms ?? 0) ? reads : writes;
  if (main === null) return '';
  const spans =
    reads === null
      ? `writes ${formatDuration(main.ms)}`
      : writes === null || writes.ms === reads.ms
        ? `reads and writes ${formatDuration(reads.ms)}`
        : `reads ${formatDuration(reads.ms)}, writes ${formatDuration(writes.ms)}`;
  const [by, longest] = [file.statements[main.by], file.statements[main.longest]];
  const from = by === undefined ? '' : `   from statement ${by.number}`;
  const most = longest === undefined || longest === by ? '' : `; statement ${longest.number} takes ${formatDuration(longest.tookMs)} of it`;
  return `${spans}${from}${most}`;
}

function summary({ files, user }: RehearsalRecord, over: readonly OverLimit[], maxBlockMs: number | undefined): string {
  const applied = files.filter(({ applied: isApplied }) => isApplied);
  const tookMs = applied.reduce((sum, file) => sum + file.tookMs, 0);
  const walBytes = applied.reduce((sum, file) => sum + file.walBytes, 0);
  const versioned = applied.filter(({ kind }) => kind === 'versioned').length;
  const routines = new Set(
    applied.filter(({ kind }) => kind === 'routines').flatMap(({ statements }) => statements.map(({ file }) => file)),
  ).size;
  const what = [
    ...(versioned > 0 || routines === 0 ? [count(versioned, 'file')] : []),
    ...(routines > 0 ? [count(routines, 'routine')] : []),
  ].join(' and ');
  const ran = `${what} ran as ${user} in ${formatDuration(tookMs)}, ${formatBytes(walBytes)} of WAL`;
  // After a failure nobody knows what the rest would have blocked.
  if (maxBlockMs === undefined || over.length > 0 || applied.length < files.length) return ran;
  return `${ran}; nobody waits longer than ${formatDuration(maxBlockMs)}`;
}

/** Two tables that wait for the same reason have one way out, which is said once. */
function showOver(output: Output, over: OverLimit, hasHint: boolean): void {
  const { file, table, blocks, blockedMs, mode, statement, longest, hint } = over;
  const { command, object, line } = statement;
  const by = `${statement.file}:${line}: ${object === null ? command : `${command} ${object}`}`;
  output.line();
  output.line(
    `${output.style('bad', 'over the limit:')} ${blocks} of ${table} blocked ${formatDuration(blockedMs)} by ${file.split('/').at(-1) ?? file}`,
  );
  output.line(`  ${by} takes ${mode}`);
  if (longest !== null) {
    output.line(
      `  ${longest.file}:${longest.line}: ${longest.object === null ? longest.command : `${longest.command} ${longest.object}`} runs ${formatDuration(longest.tookMs)} under it`,
    );
  }
  if (hasHint) output.line(`  ${output.style('dim', 'instead:')} ${hint}`);
}

/** `1.2 M`, `34 k`: an estimate deserves no more digits. */
function short(rows: number): string {
  if (rows >= 999_500) return `${(rows / 1_000_000).toFixed(1)} M`;
  return rows >= 9_950 ? `${Math.round(rows / 1000)} k` : Math.round(rows).toLocaleString('en');
}
