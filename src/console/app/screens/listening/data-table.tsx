import { useListening } from './listening-context.ts';
import { isNumeric, peopleColumns, shownValue, type Column, type ReportPart, type Row } from './report.ts';

interface DataTableProps {
  readonly part: ReportPart;
  readonly columns?: readonly Column[];
  /** Rows shown at most; the CSV has all. */
  readonly limit?: number;
}

const LIMIT = 200;

/** The rows of a part as a table. */
export function DataTable({ part, columns: all = peopleColumns(part.columns), limit = LIMIT }: DataTableProps) {
  const { filters } = useListening();
  // Nobody is told in each row whom they chose, or that nothing is known.
  const columns = all.filter(
    ({ key }) => !(key === 'listener' && filters.listener !== undefined) && part.rows.some((row) => (row[key] ?? null) !== null),
  );
  const cut = part.rows.slice(0, limit);
  return (
    <>
      <div class="scroll" role="region" aria-label={`${part.title} as a table`} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {columns.map(({ key, head, measure }) => (
                <th key={key} scope="col" class={isNumeric(measure) ? 'num' : undefined}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {cut.map((row, at) => (
              <tr key={at}>
                {columns.map((column) => (
                  <Cell key={column.key} column={column} row={row} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {cut.length < part.rows.length ? (
        <p class="note">
          {cut.length.toLocaleString('en')} of {part.rows.length.toLocaleString('en')} rows; the CSV has all.
        </p>
      ) : null}
    </>
  );
}

function Cell({ column: { key, measure }, row }: { readonly column: Column; readonly row: Row }) {
  const text = shownValue(measure, row[key] ?? null);
  const shape = isNumeric(measure) ? 'num' : measure === 'day' || measure === 'moment' ? 'nowrap' : undefined;
  return <td class={shape}>{measure === 'text' ? <bdi>{text}</bdi> : text}</td>;
}
