import { moment, type Shown } from '../../words.ts';

/** The document of `dbadmin spotify report --json`, as far as the screen reads it. */

export type Measure = 'text' | 'count' | 'decimal' | 'percent' | 'span' | 'day' | 'moment' | 'change' | 'flag' | 'key';
export type Value = string | number | boolean | null;
export type Row = Readonly<Record<string, Value>>;

export interface Column {
  readonly key: string;
  readonly head: string;
  readonly measure: Measure;
}

export interface ReportPart {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly relation: string;
  readonly takes: readonly string[];
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

export interface Meant {
  readonly id: string;
  readonly name: string;
}

export interface ReportDocument {
  readonly scope: Readonly<Record<string, Meant | string | number | null>>;
  readonly parts: readonly ReportPart[];
  readonly idle: Readonly<Record<string, readonly string[]>>;
  readonly waitingPlays: number | null;
}

/** A number of a row; 0 where there is none. */
export function numberOf(row: Row | undefined, key: string): number {
  const value = row?.[key];
  return typeof value === 'number' ? value : Number(value ?? 0) || 0;
}

/** A text of a row; empty where there is none. */
export function textOf(row: Row | undefined, key: string): string {
  const value = row?.[key];
  return value === null || value === undefined ? '' : String(value);
}

export function isNumeric(measure: Measure): boolean {
  return measure !== 'text' && measure !== 'day' && measure !== 'moment' && measure !== 'flag';
}

/** Columns for people: numbers that only name a row are left to the CSV. */
export function peopleColumns(columns: readonly Column[]): readonly Column[] {
  return columns.filter(({ key }) => !/^(track_id|album_id|artist_id|listener_id|cover_id|day_of_month|day_of_week)$/.test(key));
}

/** A value for people: digits in groups, spans in hours and minutes. */
export function shownValue(measure: Measure, value: Value): string {
  if (value === null || value === '') return '';
  switch (measure) {
    case 'count':
      return grouped(Number(value));
    case 'decimal':
      return Number(value).toLocaleString('en', { maximumFractionDigits: 2 });
    case 'percent':
      return `${Number(value).toLocaleString('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} %`;
    case 'span':
      return spanText(Number(value));
    case 'change':
      return signed(Number(value), '');
    case 'flag':
      return value === true ? 'yes' : '';
    case 'text':
    case 'day':
    case 'moment':
    case 'key':
      return String(value);
  }
}

export function grouped(count: number): string {
  return count.toLocaleString('en');
}

/** A moment as reports have it, `2026-11-21 21:32:01` in UTC, in the words of the screens; undefined where there is none. */
export function momentText(text: string, shown: Shown): string | undefined {
  return text === '' ? undefined : moment(`${text.replace(' ', 'T')}Z`, shown);
}

/** `12 h 04 min` */
export function spanText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes} min` : `${grouped(hours)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** `+3`, `−2.9 pt` */
export function signed(value: number, unit: string, digits = 0): string {
  const text = Math.abs(value).toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const sign = Number(text.replaceAll(',', '')) === 0 ? '' : value > 0 ? '+' : '−';
  return `${sign}${text}${unit === '' ? '' : ` ${unit}`}`;
}

/** The row with most of a column; undefined where none has any. */
export function mostOf(rows: readonly Row[], key: string): Row | undefined {
  const top = highest(rows, key);
  return top > 0 ? rows.find((row) => numberOf(row, key) === top) : undefined;
}

export function highest(rows: readonly Row[], key: string): number {
  return rows.reduce((most, row) => Math.max(most, numberOf(row, key)), 0);
}

export function sumOf(rows: readonly Row[], key: string): number {
  return rows.reduce((sum, row) => sum + numberOf(row, key), 0);
}
