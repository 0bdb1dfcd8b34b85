import type { ComponentChildren } from 'preact';
import { Cover } from './cover.tsx';

export interface Bar {
  readonly key: string;
  readonly name: string;
  readonly under?: string | undefined;
  readonly value: number;
  readonly text: string;
  /** A remark after the figure, such as the rank before. */
  readonly more?: string | undefined;
  /** The number of its picture; undefined where a picture says nothing here. */
  readonly cover?: string;
  readonly onChoose?: (() => void) | undefined;
}

/** Ranked by length on one scale; a name that can be chosen narrows the figures to it. */
export function Bars({ bars, isPlain = false }: { readonly bars: readonly Bar[]; readonly isPlain?: boolean }) {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  return (
    <ol class={isPlain ? 'bars plain' : 'bars'}>
      {bars.map(({ key, name, under, value, text, more, cover, onChoose }) => (
        <li key={key}>
          <span class="who">
            {cover === undefined ? null : <Cover id={cover} name={name} />}
            <span class="nm">
              {onChoose === undefined ? (
                <bdi>{name}</bdi>
              ) : (
                <button type="button" class="link" title={`Only ${name}`} onClick={onChoose}>
                  <bdi>{name}</bdi>
                </button>
              )}
              {under === undefined || under === '' ? null : (
                <small>
                  <bdi>{under}</bdi>
                </small>
              )}
            </span>
          </span>
          <Length value={value} of={most} />
          <span class="num">
            {text}
            {more === undefined ? null : <small> {more}</small>}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** A bar as long as `value` is of `of`; says nothing that its row does not say in figures. */
export function Length({ value, of, mark }: { readonly value: number; readonly of: number; readonly mark?: number | undefined }) {
  const share = (part: number): string => `${Math.max(0, Math.min(100, of > 0 ? (part / of) * 100 : 0)).toFixed(2)}%`;
  return (
    <svg class="length" height="12" aria-hidden="true" focusable="false">
      <rect class="rail" width="100%" y="2" height="8" />
      <rect class="bar" width={share(value)} y="2" height="8" />
      {mark === undefined ? null : <line class="mark" x1={share(mark)} x2={share(mark)} y1="0" y2="12" />}
    </svg>
  );
}

/** Figures side by side, each with what puts it in proportion. */
export function Figure({
  name,
  children,
  more,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
  readonly more?: string | undefined;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {children}
        {more === undefined || more === '' ? null : <small>{more}</small>}
      </dd>
    </div>
  );
}
