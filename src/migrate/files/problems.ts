import { DbadminError } from '../../base/errors.ts';
import { caret, placeOf } from '../sql/location.ts';

/** `migration-invalid` at an offset of a file: `file:line:column: what`, with the line and a caret as detail. */
export function invalidAt(file: string, text: string, offset: number, what: string, hint?: string): DbadminError {
  const { line, column } = placeOf(text, offset);
  return new DbadminError('migration-invalid', `${file}:${line}:${column}: ${what}`, { detail: caret(text, offset), hint });
}

/** Several problems as one failure; a single one stays as it is. */
export function joinProblems(problems: readonly DbadminError[], summary: string): DbadminError {
  const [first] = problems;
  if (first !== undefined && problems.length === 1) return first;
  const detail = problems.map((problem) => [problem.message, ...indent(problem.detail), ...indent(problem.hint)].join('\n')).join('\n');
  return new DbadminError(first?.code ?? 'migration-invalid', summary, { detail, cause: first });
}

function indent(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split('\n').map((line) => `  ${line}`);
}
