import type { Difference } from '../../migrate/schema/difference.ts';
import type { Output } from '../output.ts';

const MARKS = { added: '+', removed: '-', changed: '~' } as const;
const MOST_LINES = 12;

/** One line for each object, the lines that differ below it. */
export function showDifferences(output: Output, differences: readonly Difference[]): void {
  const width = Math.max(...differences.map(({ type }) => type.length));
  for (const { change, type, name, diff } of differences) {
    const head = `  ${MARKS[change]} ${type.padEnd(width)}  ${name}`;
    output.line(output.style(change === 'added' ? 'good' : change === 'removed' ? 'bad' : 'warn', head));
    for (const line of diff.slice(0, MOST_LINES)) output.line(output.style('dim', `      ${line}`));
    if (diff.length > MOST_LINES) output.line(output.style('dim', `      … ${diff.length - MOST_LINES} more lines (--json has all)`));
  }
}
