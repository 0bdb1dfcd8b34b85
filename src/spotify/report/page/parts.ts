import { html, type Markup } from '../../../base/html.ts';
import { isNumeric, shown } from '../measure.ts';
import { numberOf, textOf, type Column, type Row, type SectionRows } from '../section.ts';
import { short } from './scale.ts';

/** A bar as long as `value` is of `highest`; says nothing that its row does not say in figures. */
export function bar(value: number, highest: number, shade = 4): Markup {
  const share = highest > 0 ? (value / highest) * 100 : 0;
  return html`<svg class="bar" height="10" aria-hidden="true" focusable="false">
    <rect class="s${shade}" width="${short(share)}%" height="10" rx="1" />
  </svg>`;
}

/** One bar cut into shares, the largest darkest. */
export function shareBar(values: readonly number[], finding: string): Markup {
  const sum = values.reduce((total, value) => total + value, 0);
  let left = 0;
  const rects = values.map((value, at) => {
    const width = sum > 0 ? (value / sum) * 100 : 0;
    const from = left;
    left += width;
    return html`<rect class="s${shareShade(at)}" x="${short(from)}%" width="${short(Math.max(0, width - 0.3))}%" height="18" />`;
  });
  return html`<svg class="share" height="18" role="img" aria-label="${finding}">${rects}</svg>`;
}

/** The shade of the nth share. */
export function shareShade(at: number): number {
  return Math.max(1, 5 - at);
}

/** Columns of a section that are for people: numbers that only name a row are left to CSV. */
export function peopleColumns(columns: readonly Column[]): readonly Column[] {
  return columns.filter(({ key }) => !/^(track_id|album_id|artist_id|listener_id|cover_id|day_of_month|day_of_week)$/.test(key));
}

/** Rows as a table, the first `limit` of them. */
export function dataTable(
  { section, rows }: SectionRows,
  options: { readonly limit?: number; readonly columns?: readonly Column[] } = {},
): Markup {
  const columns = options.columns ?? peopleColumns(section.columns);
  const cut = rows.slice(0, options.limit ?? rows.length);
  return html`<div class="scroll">
      <table>
        <caption class="vh">
          ${section.title}
        </caption>
        <thead>
          <tr>
            ${columns.map(({ head, measure }) => html`<th scope="col" ${side(isNumeric(measure))}>${head}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${cut.map(
            (row) =>
              html`<tr>
                ${columns.map((column) => cell(column, row))}
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
    ${rows.length > cut.length ? html`<p class="quiet note">${cut.length} of ${rows.length.toLocaleString('en')}: dbadmin spotify report ${section.name} --format csv has all.</p>` : undefined}`;
}

function cell({ key, measure }: Column, row: Row): Markup {
  const value = shown(measure, row[key] ?? null);
  const numeric = isNumeric(measure);
  return html`<td${side(numeric || measure === 'day' || measure === 'moment', numeric)}>${measure === 'text' ? html`<bdi>${value}</bdi>` : value}</td>`;
}

function side(isTight: boolean, isNumber = isTight): Markup | undefined {
  return isNumber ? html` class="num"` : isTight ? html` class="tight"` : undefined;
}

/** The figures of a drawing, folded away. */
export function twin(data: SectionRows): Markup {
  return html`<details class="twin">
    <summary>As a table</summary>
    ${dataTable(data, { limit: 1500 })}
  </details>`;
}

/** A square with a picture, or with the first letters of a name. */
export function tile(row: Row, name: string, covers: ReadonlyMap<string, string>, size: 'small' | 'large' = 'small'): Markup {
  const cover = covers.get(textOf(row, 'cover_id'));
  if (cover !== undefined) return html`<img class="tile ${size}" src="${cover}" alt="" />`;
  const letters = [...name.matchAll(/\p{L}|\p{N}/gu)].map(String).slice(0, 1).join('').toUpperCase();
  return html`<span class="tile ${size} t${(Number(textOf(row, 'track_id') || textOf(row, 'album_id') || '0') % 4) + 1}" aria-hidden="true"
    >${letters || '♪'}</span
  >`;
}

/** The largest of a column. */
export function highest(rows: readonly Row[], key: string): number {
  return Math.max(0, ...rows.map((row) => numberOf(row, key)));
}

/** The row that has most of a column; undefined where none has any. */
export function most(rows: readonly Row[], key: string): Row | undefined {
  const top = highest(rows, key);
  return top > 0 ? rows.find((row) => numberOf(row, key) === top) : undefined;
}

/** `1,234 plays`, `1 play`. */
export function counted(count: number, thing: string): string {
  return `${count.toLocaleString('en')} ${thing}${count === 1 ? '' : 's'}`;
}

/** Where there is nothing to draw. */
export function nothing(why = 'No plays.'): Markup {
  return html`<p class="empty">${why}</p>`;
}
