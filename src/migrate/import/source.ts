import { createHash } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';
import { parseMoment } from '../../postgres/moment.ts';
import { normaliseSql } from '../files/checksum.ts';

/** The tools whose history can be taken over. */
export const SOURCES = ['pgmigrations', 'flyway', 'dbmate', 'golang-migrate', 'sqitch', 'graphile-migrate'] as const;
export type SourceName = (typeof SOURCES)[number];

/** A file of the other tool. */
export interface SourceFile {
  /** Relative to the tool's directory, with `/`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A row of the other tool's table, columns as PostgreSQL's client gives them, moments as JSON. */
export type SourceRecord = Readonly<Record<string, unknown>>;

/** One migration that the other tool says is applied. */
export interface SourceRow {
  /** What joins it with its files. */
  readonly id: string;
  /** As a person names it: `V1.2`, `20261121093000_add_plays`. */
  readonly label: string;
  /** Where it stands among the others: digits, compared as numbers one after the other. */
  readonly order: readonly string[];
  readonly finishedAt: Date | undefined;
  readonly tookMs: number;
  readonly appliedBy: string | undefined;
  /** The tool's own checksum, where it keeps one. */
  readonly check: string | undefined;
}

/** One migration as the other tool's files hold it. */
export interface SourceUnit {
  readonly id: string;
  readonly label: string;
  readonly order: readonly string[];
  /** The file of its name, relative to the tool's directory. */
  readonly path: string;
  /** What may stand before the underscore in our file's name; undefined where the tool's numbers have no such form. */
  readonly version: string | undefined;
  /** What stands behind the underscore, once it is made of allowed letters. */
  readonly title: string;
  /** The SQL, its lines where they stand in `path`; undefined for a program. */
  readonly up: string | undefined;
  readonly down: string | undefined;
  /** A script that fails when the migration did not do its work. */
  readonly verify: string | undefined;
  /** False: the tool runs it outside a transaction. */
  readonly transaction: boolean;
  /** Comparable with {@link SourceRow.check}; undefined where nothing can be compared. */
  readonly check: string | undefined;
  /** A text that the tool replaces before it runs the file, with its offset. */
  readonly placeholder: { readonly text: string; readonly offset: number } | undefined;
}

/** A file that the other tool applies again whenever it changes. */
export interface SourceRepeatable {
  /** What joins it with its rows. */
  readonly id: string;
  readonly path: string;
  readonly title: string;
  readonly text: string;
  /** Comparable with {@link RepeatableRow.check}. */
  readonly check: string;
  readonly placeholder: SourceUnit['placeholder'];
}

/** The last time that the other tool applied a repeatable file. */
export type RepeatableRow = Pick<SourceRow, 'finishedAt' | 'tookMs' | 'appliedBy' | 'check'>;

/** One migration of the other tool: a row, a file, or both. */
export interface Joined {
  readonly label: string;
  readonly order: readonly string[];
  readonly row: SourceRow | undefined;
  readonly unit: SourceUnit | undefined;
  /** What its row in dbadmin's history says. */
  readonly reason: string;
}

/** The rows of a history, and what forbids to take them over. */
export interface SourceHistory {
  readonly rows: readonly SourceRow[];
  /** By the id of the repeatable file. */
  readonly repeatables?: ReadonlyMap<string, RepeatableRow>;
  readonly problems: readonly DbadminError[];
  readonly warnings: readonly string[];
}

export interface FoundUnits {
  readonly units: readonly SourceUnit[];
  readonly repeatables?: readonly SourceRepeatable[];
  readonly warnings: readonly string[];
}

/** What differs from tool to tool. */
export interface SourceTool {
  readonly name: SourceName;
  /** As its makers write it. */
  readonly product: string;
  /** Its table's name unless configured otherwise; with a schema where the tool has its own. */
  readonly table: string;
  /** Columns that only its table has together. */
  readonly columns: readonly string[];
  /** Columns that tell another tool's table of the same name. */
  readonly without: readonly string[];
  /** Where its files lie unless configured otherwise, relative to the project. */
  readonly directories: readonly string[];
  /** Whether it reads the file at this path, relative to its directory. */
  reads(path: string): boolean;
  /** The query for its rows; `table` is quoted. */
  rowsSql(table: string): string;
  /** @throws {DbadminError} `migration-invalid` for files that it would refuse itself. */
  units(files: readonly SourceFile[]): FoundUnits;
  history(records: readonly SourceRecord[], units: readonly SourceUnit[]): SourceHistory;
}

export function textOf(file: SourceFile): string {
  return normaliseSql(file.bytes, file.path);
}

/** Compares `['1', '10']` with `['1', '9']` as numbers, part by part; a missing part is 0. */
export function compareOrder(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const [left, right] = [withoutZeros(a[at] ?? '0'), withoutZeros(b[at] ?? '0')];
    if (left.length !== right.length) return left.length - right.length;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

export function withoutZeros(digits: string): string {
  return digits.replace(/^0+(?=\d)/, '');
}

/** `text` on the lines where it stood: as many newlines before it as `whole` has before `offset`. */
export function onItsLines(whole: string, offset: number, text: string): string {
  return '\n'.repeat(whole.slice(0, offset).split('\n').length - 1) + text;
}

export function sha1Of(data: Uint8Array | string): string {
  return createHash('sha1').update(data).digest('hex');
}

/** Of a moment in a {@link SourceRecord}. */
export function dateOf(value: unknown): Date | undefined {
  return typeof value === 'string' ? parseMoment(value) : undefined;
}

export function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}

export function invalidSource(message: string, hint?: string): DbadminError {
  return new DbadminError('migration-invalid', message, { hint });
}
