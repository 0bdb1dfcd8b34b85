import type { ComponentChildren } from 'preact';

export interface Figure {
  readonly label: string;
  readonly value: ComponentChildren;
  /** A thin word after the number: `s`, `GB`. */
  readonly unit?: string;
  /** What it rests on, below it. */
  readonly note?: ComponentChildren;
}

/** The numbers of a screen side by side, each with its name and what it rests on. */
export function Figures({ figures }: { readonly figures: readonly Figure[] }) {
  return (
    <dl class="figs">
      {figures.map(({ label, value, unit, note }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            {value}
            {unit === undefined ? null : <span class="unit">{unit}</span>}
            {note === undefined ? null : <small>{note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Names and what they are. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, ComponentChildren])[] }) {
  return <dl class="facts">{facts.map(([name, value]) => [<dt key={`${name} name`}>{name}</dt>, <dd key={name}>{value}</dd>])}</dl>;
}

/** A word about what something is: its kind, a hazard. */
export function Tag({ kind, children }: { readonly kind?: 'ok' | 'warn' | 'bad' | 'acc'; readonly children: ComponentChildren }) {
  return <span class={kind === undefined ? 'tag' : `tag ${kind}`}>{children}</span>;
}

export interface Column {
  readonly head: string;
  readonly isNumber?: boolean;
}

interface TwinProps {
  /** What the table is of. */
  readonly title: string;
  readonly columns: readonly Column[];
  /** The first cell of a row is its heading. */
  readonly rows: readonly (readonly ComponentChildren[])[];
}

/** The numbers of a chart as a table, for whoever cannot or would rather not read the drawing. */
export function Twin({ title, columns, rows }: TwinProps) {
  return (
    <details class="twin">
      <summary>Numbers as a table</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table>
          <thead>
            <tr>
              {columns.map(({ head, isNumber }) => (
                <th key={head} scope="col" class={isNumber === true ? 'num' : undefined}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              // Rows of a chart have no names of their own.
              <tr key={index}>
                {row.map((cell, at) =>
                  at === 0 ? (
                    <th key={columns[at]?.head} scope="row">
                      {cell}
                    </th>
                  ) : (
                    <td key={columns[at]?.head} class={columns[at]?.isNumber === true ? 'num' : undefined}>
                      {cell}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

export interface Part {
  readonly label: string;
  readonly value: number;
  /** Which of the fills of figures.css. */
  readonly fill: 'fill-0' | 'fill-1' | 'fill-2' | 'fill-3' | 'fill-4' | 'fill-5' | 'fill-bad' | 'fill-warn' | 'fill-ok';
}

/** Parts of a whole on one line; `label` says the finding. */
export function Split({
  label,
  parts,
  height = 10,
}: {
  readonly label: string;
  readonly parts: readonly Part[];
  readonly height?: number;
}) {
  const whole = parts.reduce((sum, { value }) => sum + value, 0);
  let before = 0;
  return (
    <svg class="fluid" height={height} role="img" aria-label={label}>
      {whole <= 0
        ? null
        : parts.map(({ label: name, value, fill }) => {
            const x = (before / whole) * 100;
            before += value;
            return <rect key={name} class={fill} x={`${x}%`} width={`${(value / whole) * 100}%`} height={height} />;
          })}
    </svg>
  );
}

/** A bar as long as its share of the longest, never too short to be seen. */
export function Bar({ value, most, fill = 'fill-4' }: { readonly value: number; readonly most: number; readonly fill?: Part['fill'] }) {
  const share = most <= 0 ? 0 : Math.min(100, (value / most) * 100);
  return (
    <svg class="fluid" height="12" aria-hidden="true">
      {value > 0 ? <rect class={fill} width="2" height="12" /> : null}
      <rect class={fill} width={`${share}%`} height="12" rx="1" />
    </svg>
  );
}
