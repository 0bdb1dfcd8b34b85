import type { LogDocument } from './documents.ts';

/** So many lines are on the page at most, whatever a job prints. */
export const MOST_LINES = 1000;

/** What a log shows: lines under the numbers that they have in all that was printed. */
export interface LogBuffer {
  readonly attempt: number | null;
  readonly firstLine: number;
  readonly lines: readonly string[];
}

export const EMPTY_LOG: LogBuffer = { attempt: null, firstLine: 1, lines: [] };

/** Takes in what has come: a line that is there already is written over, another attempt begins anew. */
export function addLines(
  buffer: LogBuffer,
  { attempt, firstLine, lines }: Pick<LogDocument, 'attempt' | 'firstLine' | 'lines'>,
): LogBuffer {
  if (attempt !== buffer.attempt || buffer.lines.length === 0) return bounded({ attempt, firstLine, lines });
  if (lines.length === 0) return buffer;
  const kept = buffer.lines.slice(0, Math.max(0, firstLine - buffer.firstLine));
  // What went before anybody saw it is a step in the numbers; the lines before the step would then have wrong ones.
  const isStep = firstLine > buffer.firstLine + buffer.lines.length;
  return bounded(isStep ? { attempt, firstLine, lines } : { attempt, firstLine: buffer.firstLine, lines: [...kept, ...lines] });
}

function bounded({ attempt, firstLine, lines }: LogBuffer): LogBuffer {
  const over = Math.max(0, lines.length - MOST_LINES);
  return { attempt, firstLine: firstLine + over, lines: lines.slice(over) };
}
