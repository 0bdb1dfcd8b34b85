import type { Scope } from './scope.ts';

/** What a value is; says how it is shown, aligned and typed in JSON. */
export type Measure = 'text' | 'count' | 'decimal' | 'percent' | 'span' | 'day' | 'moment' | 'change' | 'flag' | 'key';

export interface Column {
  /** The column of the query, and the key in CSV and JSON. */
  readonly key: string;
  readonly head: string;
  readonly measure: Measure;
}

/** Which filters narrow a section; others are said not to. */
export type FilterName = 'listener' | 'from' | 'to' | 'month' | 'track' | 'album' | 'artist' | 'zone' | 'chart';

export type SectionGroup = 'listening' | 'habits' | 'user' | 'charts' | 'quality';

/** One block of figures: what `spotify report NAME` shows, a file of CSV, a panel of the page. */
export interface Section {
  readonly name: string;
  readonly group: SectionGroup;
  readonly title: string;
  /** What is counted, in a sentence. */
  readonly about: string;
  /** The view or function that gives the figures, with its schema; mart.visual names the same. */
  readonly relation: string;
  readonly takes: readonly FilterName[];
  readonly columns: readonly Column[];
  /** The rows, in order. Everything of the scope is quoted or a number already. */
  readonly query: (scope: Scope) => string;
  /** Long lists are cut in the page and in tables, never in CSV and JSON. */
  readonly isLong?: boolean;
}

/** A section and its rows, as the server writes values as text. */
export interface SectionRows {
  readonly section: Section;
  readonly rows: readonly Row[];
}

export type Row = Readonly<Record<string, string | null>>;

/** A number of a row; 0 where it is NULL. */
export function numberOf(row: Row, key: string): number {
  return Number(row[key] ?? 0);
}

/** A text of a row; empty where it is NULL. */
export function textOf(row: Row, key: string): string {
  return row[key] ?? '';
}

/** A value as JSON has it: numbers as numbers where they can be, NULL as null. */
export function jsonValue(measure: Measure, value: string | null): string | number | boolean | null {
  if (value === null) return null;
  if (measure === 'flag') return value === 'true' || value === 't';
  const isNumber = measure === 'count' || measure === 'decimal' || measure === 'percent' || measure === 'change' || measure === 'key';
  return isNumber && Number.isFinite(Number(value)) ? Number(value) : value;
}
