import { useEffect, useState } from 'preact/hooks';
import { diffRows, splitRows, type DiffRow, type SplitRow } from './diff-lines.ts';
import '../styles/diff.css';

const SIGNS = { same: '', removed: '−', added: '+', place: '', note: '' } as const;
/** Below it two columns of code are too narrow to be read. */
const WIDE = '(min-width: 900px)';

interface DiffProps {
  /** As the command line prints it. */
  readonly lines: readonly string[];
  readonly label: string;
  /** What the two sides are. */
  readonly sides: readonly [string, string];
}

/** A diff in one column or, where there is room, in two; lines with their numbers, removed and added told by sign before colour. */
export function Diff({ lines, label, sides }: DiffProps) {
  const isWide = useWide();
  const [isSplit, setSplit] = useState(false);
  const rows = diffRows(lines);
  return (
    <>
      {isWide ? (
        <div class="bar diff-mode">
          <span class="meta">
            − {sides[0]}, + {sides[1]}
          </span>
          <span class="seg" role="group" aria-label="How the difference is shown">
            <button type="button" aria-pressed={!isSplit} onClick={() => setSplit(false)}>
              One column
            </button>
            <button type="button" aria-pressed={isSplit} onClick={() => setSplit(true)}>
              Side by side
            </button>
          </span>
        </div>
      ) : (
        <p class="meta diff-mode">
          − {sides[0]}, + {sides[1]}
        </p>
      )}
      <div class={isSplit && isWide ? 'diff split-diff' : 'diff'} tabIndex={0} role="region" aria-label={label}>
        {isSplit && isWide
          ? splitRows(rows).map((row, at) => <Pair key={at} row={row} />)
          : rows.map((row, at) => <Line key={at} row={row} />)}
      </div>
    </>
  );
}

function Line({ row }: { readonly row: DiffRow }) {
  return (
    <div class={row.kind}>
      <span>{row.old}</span>
      <span>{row.new}</span>
      <Sign row={row} />
      <span>{row.text}</span>
    </div>
  );
}

function Pair({ row }: { readonly row: SplitRow }) {
  if (row.kind === 'across') return <Line row={row.row} />;
  return (
    <div class="pair">
      <Half row={row.left} number={row.left?.old} />
      <Half row={row.right} number={row.right?.new} />
    </div>
  );
}

function Half({ row, number }: { readonly row: DiffRow | undefined; readonly number: number | undefined }) {
  return (
    <div class={row === undefined ? 'absent' : row.kind}>
      <span>{number}</span>
      {row === undefined ? <span /> : <Sign row={row} />}
      <span>{row?.text}</span>
    </div>
  );
}

/** A screen reader hears what the sign says. */
function Sign({ row: { kind } }: { readonly row: DiffRow }) {
  return (
    <span>
      {kind === 'removed' ? <span class="vh">removed</span> : kind === 'added' ? <span class="vh">added</span> : null}
      <span aria-hidden="true">{SIGNS[kind]}</span>
    </span>
  );
}

function useWide(): boolean {
  const [isWide, setWide] = useState(() => matchMedia(WIDE).matches);
  useEffect(() => {
    const query = matchMedia(WIDE);
    const onChange = (): void => setWide(query.matches);
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, []);
  return isWide;
}
