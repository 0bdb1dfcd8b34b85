import type { Figure, TaskFigures } from '../../spotify/evaluate/figures.ts';
import type { Output } from '../output.ts';

const TITLES: Readonly<Record<TaskFigures['task'], string>> = {
  'next track': 'Next track',
  playlists: 'Playlists continued',
  interactions: 'What else a listener has',
};

/** One task as a table, a line a method, with what it was measured on. */
export function showTask(output: Output, { task, cases, items, notes, methods }: TaskFigures): void {
  output.line(`${TITLES[task]}: ${count(cases)} cases, ${count(items)} items ranked in each`);
  for (const note of notes) output.line(`  ${note}`);
  const metrics = Object.keys(methods[0]?.figures ?? {});
  const right = (head: string): { readonly head: string; readonly align: 'right' } => ({ head, align: 'right' });
  output.table(
    ['method', ...metrics.map(right), right('× popularity'), right('items shown'), right('known before')],
    methods.map(({ method, figures, itemsShown, knownShare, overPopularity }) => [
      method,
      ...metrics.map((metric) => shown(figures[metric], 3)),
      shown(overPopularity, 1),
      count(itemsShown),
      knownShare === null ? '' : `${(100 * knownShare).toFixed(0)} %`,
    ]),
  );
  output.line();
}

function shown(figure: Figure | undefined, digits: number): string {
  if (figure === undefined) return '';
  const { value, low, high } = figure;
  return `${value.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}

function count(value: number): string {
  return value.toLocaleString('en');
}
