import { useRef, useState } from 'preact/hooks';
import type { Shown } from '../../words.ts';
import { dayWords, isWeekend, letterOf } from './days.ts';
import { CELL_WORDS, type Cell, type CellKind, type GridRow } from './grid-layout.ts';
import type { Common } from './selection.ts';

interface GridProps extends Pick<Common, 'selection' | 'select'> {
  readonly rows: readonly GridRow[];
  readonly days: readonly string[];
  readonly today: string | undefined;
  readonly shown: Shown;
}

interface Place {
  readonly row: number;
  readonly column: number;
}

/** On a phone so many days: the last ones. */
const FEW_DAYS = 7;
const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -1000],
  End: [0, 1000],
  PageUp: [-1000, 0],
  PageDown: [1000, 0],
};

/** A mark a day for each job. One cell is reached by Tab and the others by the arrow keys; Enter shows its runs. */
export function Grid({ rows, days, selection, select }: GridProps) {
  const table = useRef<HTMLTableElement>(null);
  const [at, setAt] = useState<Place>();
  const current = inside(at ?? { row: 0, column: days.length - 1 }, rows.length, days.length);
  const lit = at === undefined ? undefined : rows[current.row];
  const onKeyDown = (event: KeyboardEvent): void => {
    const move = MOVES[event.key];
    if (move === undefined) return;
    event.preventDefault();
    const to = inside({ row: current.row + move[0], column: current.column + move[1] }, rows.length, days.length);
    setAt(to);
    table.current?.querySelector<HTMLElement>(`[data-at="${to.row} ${to.column}"]`)?.focus();
  };
  return (
    <>
      <div class="scroll">
        <table
          class="jobs"
          role="grid"
          aria-label="Runs by job and day"
          ref={table}
          onKeyDown={onKeyDown}
          onMouseLeave={() => setAt(undefined)}
        >
          <thead>
            <tr>
              <th>Job</th>
              <th class="lo">Due</th>
              <th class="lo num">Took, median</th>
              {days.map((day, column) => (
                <th key={day} class={dayClass(day, column, days.length)} title={dayWords(day)} scope="col">
                  <span class="vh">{dayWords(day)}</span>
                  <span aria-hidden="true">
                    {letterOf(day)}
                    <br />
                    {Number(day.slice(8))}
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((each, row) => (
              <tr key={each.job} class={each.job === selection.job ? 'sel' : undefined}>
                <th scope="row">
                  <button
                    type="button"
                    class="link"
                    aria-expanded={each.job === selection.job}
                    onClick={() => select({ job: each.job === selection.job ? undefined : each.job, day: undefined, run: undefined })}
                  >
                    {each.job}
                  </button>
                </th>
                <td class="lo meta">{each.due}</td>
                <td class="lo num meta">{each.took}</td>
                {each.cells.map((cell, column) => (
                  <td key={cell.day} class={dayClass(cell.day, column, days.length)}>
                    <CellButton
                      job={each.job}
                      cell={cell}
                      place={`${row} ${column}`}
                      isTabbed={row === current.row && column === current.column}
                      isChosen={each.job === selection.job && cell.day === selection.day}
                      onSeen={() => setAt({ row, column })}
                      onChosen={() => select({ job: each.job, day: cell.day, run: undefined })}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note readout">
        {lit === undefined ? 'Point at a cell for what came of that day; choose it for its runs.' : readout(lit, lit.cells[current.column])}
      </p>
    </>
  );
}

function CellButton({
  job,
  cell,
  place,
  isTabbed,
  isChosen,
  onSeen,
  onChosen,
}: {
  readonly job: string;
  readonly cell: Cell;
  readonly place: string;
  readonly isTabbed: boolean;
  readonly isChosen: boolean;
  readonly onSeen: () => void;
  readonly onChosen: () => void;
}) {
  return (
    <button
      type="button"
      class="cell"
      data-at={place}
      tabIndex={isTabbed ? 0 : -1}
      aria-pressed={isChosen}
      aria-label={`${job}, ${dayWords(cell.day)}: ${CELL_WORDS[cell.kind]}${cell.facts === CELL_WORDS[cell.kind] ? '' : `; ${cell.facts}`}`}
      title={`${dayWords(cell.day)}: ${cell.facts}`}
      onFocus={onSeen}
      onMouseEnter={onSeen}
      onClick={onChosen}
    >
      <Mark kind={cell.kind} />
      {cell.count === '' ? null : <span class="n">{cell.count}</span>}
    </button>
  );
}

/** The shape of a state; the same everywhere on this screen. */
export function Mark({ kind }: { readonly kind: CellKind }) {
  return <i class={`g ${kind}`} aria-hidden="true" />;
}

const LEGEND: readonly CellKind[] = ['done', 'mended', 'late', 'failed', 'missed', 'running', 'waiting', 'paused', 'none'];

export function Legend() {
  return (
    <p class="note legend">
      {LEGEND.map((kind) => (
        <span key={kind}>
          <Mark kind={kind} />
          {kind === 'missed' ? 'missed or left out' : CELL_WORDS[kind]}
        </span>
      ))}
      <span>
        <span class="n">72</span> runs that day, where more than one
      </span>
    </p>
  );
}

function readout({ job, due }: GridRow, cell: Cell | undefined): string {
  return cell === undefined ? job : `${job}, ${due} · ${dayWords(cell.day)}: ${cell.facts}`;
}

function inside({ row, column }: Place, rows: number, columns: number): Place {
  return { row: Math.max(0, Math.min(rows - 1, row)), column: Math.max(0, Math.min(columns - 1, column)) };
}

function dayClass(day: string, column: number, columns: number): string {
  return ['d', ...(isWeekend(day) ? ['we'] : []), ...(column < columns - FEW_DAYS ? ['lo'] : [])].join(' ');
}
