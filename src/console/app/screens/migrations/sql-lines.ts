import type { Finding, PlannedStatement, Severity } from './documents.ts';

/** A line of a file with what lint says of it. */
export interface SqlLine {
  readonly number: number;
  readonly text: string;
  /** The gravest of the findings about the statement that it belongs to. */
  readonly mark: Severity | undefined;
  /** Findings that begin here, as places in the list that was given. */
  readonly findings: readonly number[];
}

/** A run of lines that is shown, or the number of lines that are left out between two. */
export type SqlPart = { readonly kind: 'lines'; readonly lines: readonly SqlLine[] } | { readonly kind: 'hidden'; readonly count: number };

const GRAVITY: readonly Severity[] = ['notice', 'warning', 'error'];
/** Around each finding of a long file. */
const CONTEXT = 3;

/** The lines of a file, those of statements with findings marked. */
export function sqlLines(sql: string, findings: readonly Finding[], statements: readonly PlannedStatement[]): readonly SqlLine[] {
  const marks = new Map<number, Severity>();
  const begun = new Map<number, number[]>();
  for (const [index, finding] of findings.entries()) {
    begun.set(finding.line, [...(begun.get(finding.line) ?? []), index]);
    for (const line of linesOf(finding, statements)) {
      const before = marks.get(line);
      if (before === undefined || GRAVITY.indexOf(finding.severity) > GRAVITY.indexOf(before)) marks.set(line, finding.severity);
    }
  }
  const texts = sql.split('\n');
  // What stands behind the last line end is no line.
  if (texts.length > 1 && texts.at(-1) === '') texts.pop();
  return texts.map((text, index) => ({ number: index + 1, text, mark: marks.get(index + 1), findings: begun.get(index + 1) ?? [] }));
}

/** Of more than `most` lines the first ones and those around findings. */
export function partsOf(lines: readonly SqlLine[], most: number): readonly SqlPart[] {
  if (lines.length <= most) return [{ kind: 'lines', lines }];
  const near = new Set(lines.flatMap(({ findings, number }) => (findings.length === 0 ? [] : around(number))));
  const parts: SqlPart[] = [];
  let shown: SqlLine[] = [];
  let hidden = 0;
  for (const [index, line] of lines.entries()) {
    if (index < most || near.has(line.number)) {
      if (hidden > 0) parts.push({ kind: 'lines', lines: shown }, { kind: 'hidden', count: hidden });
      if (hidden > 0) shown = [];
      hidden = 0;
      shown.push(line);
    } else hidden += 1;
  }
  parts.push({ kind: 'lines', lines: shown });
  return hidden > 0 ? [...parts, { kind: 'hidden', count: hidden }] : parts;
}

function around(line: number): readonly number[] {
  return Array.from({ length: 2 * CONTEXT + 1 }, (_, index) => line - CONTEXT + index);
}

function linesOf({ line, statement }: Finding, statements: readonly PlannedStatement[]): readonly number[] {
  const found = statements.find(({ number }) => number === statement);
  if (found === undefined) return [line];
  return Array.from({ length: found.text.split('\n').length }, (_, index) => found.line + index);
}
