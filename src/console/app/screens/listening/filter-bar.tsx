import type { Answer } from '../../answer.ts';
import { addDays, dayName, FILTER_WORDS, FILTERS, monthName, type FilterName, type Filters } from './filters.ts';
import { NameSearch } from './name-search.tsx';
import { useListening } from './listening-context.ts';
import { useReport } from './part.tsx';
import { grouped, numberOf, textOf, type Meant, type ReportDocument } from './report.ts';

/** Spans that end with the last day that has plays. */
const SPANS = [
  ['30', 'last 30 days of data'],
  ['90', 'last 90 days of data'],
  ['365', 'last year of data'],
] as const;

interface FilterBarProps {
  /** The days that meet the filters; it also tells what names mean. */
  readonly frame: Answer<ReportDocument> | undefined;
  /** Plays there are in all. */
  readonly all: number | undefined;
}

/** What can be narrowed, what is, and how much that leaves. All filters hold together. */
export function FilterBar({ frame, all }: FilterBarProps) {
  const { filters } = useListening();
  const plays = numberOf(frame?.document.parts[0]?.rows[0], 'plays');
  return (
    <section class="panel filters" aria-label="Filters">
      <div class="body stackv tight">
        <Fields />
        <div class="bar">
          <Chips filters={filters} scope={frame?.document.scope} />
          {frame === undefined ? null : (
            <span class="meta" role="status">
              {grouped(plays)}
              {all === undefined ? '' : ` of ${grouped(all)}`} plays meet these filters · {frame.tookMs} ms
            </span>
          )}
        </div>
      </div>
    </section>
  );
}

function Fields() {
  const { filters, change } = useListening();
  const listeners = useReport('listener', {}).answer?.document.parts[0]?.rows ?? [];
  const ofListener = filters.listener === undefined ? {} : { listener: filters.listener };
  const months = useReport('months', ofListener).answer?.document.parts[0]?.rows ?? [];
  const names = listeners.map((row) => textOf(row, 'user_name'));
  const set = (name: FilterName, value: string): void => change({ [name]: value });
  return (
    <div class="bar fields">
      <label class="field">
        Listener
        <select value={filters.listener ?? ''} onChange={({ currentTarget }) => set('listener', currentTarget.value)}>
          <option value="">all {names.length > 0 ? names.length : ''}</option>
          {known(names, filters.listener).map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        Month
        <select value={filters.month ?? ''} onChange={({ currentTarget }) => set('month', currentTarget.value)}>
          <option value="">any</option>
          {known(
            [...months].reverse().map((row) => textOf(row, 'month').slice(0, 7)),
            filters.month,
          ).map((month) => (
            <option key={month} value={month}>
              {monthName(month)}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        From
        <input type="date" value={filters.from ?? ''} onChange={({ currentTarget }) => set('from', currentTarget.value)} />
      </label>
      <label class="field">
        To
        <input type="date" value={filters.to ?? ''} onChange={({ currentTarget }) => set('to', currentTarget.value)} />
      </label>
      <Spans />
      <NameSearch
        id="narrow"
        label="Artist, album or song"
        kinds={['artist', 'album', 'track']}
        onChoose={({ kind, id }) => change({ [kind]: `id:${id}` })}
      />
    </div>
  );
}

/** What is chosen stays among the choices, whatever there is. */
function known(values: readonly string[], chosen: string | undefined): readonly string[] {
  return chosen === undefined || values.includes(chosen) ? values : [chosen, ...values];
}

function Spans() {
  const { filters, change } = useListening();
  const { month: _month, from: _from, to: _to, ...others } = filters;
  const [range] = useReport('date-range', others).answer?.document.parts[0]?.rows ?? [];
  const last = textOf(range, 'last_day');
  const choose = (days: string): void => {
    if (days === '') return;
    if (days === 'all') change({ month: undefined, from: undefined, to: undefined });
    else change({ month: undefined, from: addDays(last, 1 - Number(days)), to: last });
  };
  const chosen = SPANS.find(([days]) => filters.to === last && filters.from === addDays(last || '2000-01-01', 1 - Number(days)))?.[0];
  const isAll = filters.month === undefined && filters.from === undefined && filters.to === undefined;
  return (
    <label class="field">
      Period
      <select value={chosen ?? (isAll ? 'all' : '')} disabled={last === ''} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        <option value="all">everything</option>
        {SPANS.map(([days, words]) => (
          <option key={days} value={days}>
            {words}
          </option>
        ))}
        {chosen === undefined && !isAll ? <option value="">as chosen</option> : null}
      </select>
    </label>
  );
}

function Chips({ filters, scope }: { readonly filters: Filters; readonly scope: ReportDocument['scope'] | undefined }) {
  const { change } = useListening();
  const given = FILTERS.filter((name) => filters[name] !== undefined);
  if (given.length === 0) return null;
  return (
    <>
      {given.map((name) => (
        <button key={name} type="button" class="chip" onClick={() => change({ [name]: undefined })}>
          <span class="vh">Remove </span>
          {FILTER_WORDS[name]} <bdi>{chipText(name, filters[name] ?? '', scope)}</bdi>
        </button>
      ))}
      <button type="button" class="btn quiet" onClick={() => change(Object.fromEntries(FILTERS.map((name) => [name, undefined])))}>
        Clear all
      </button>
    </>
  );
}

/** By its name, where the number of something is what the address says. */
function chipText(name: FilterName, value: string, scope: ReportDocument['scope'] | undefined): string {
  if (name === 'month') return monthName(value);
  if (name === 'from' || name === 'to') return dayName(value);
  const meant = scope?.[name];
  return isMeant(meant) && (value === `id:${meant.id}` || !value.startsWith('id:')) ? meant.name : value;
}

function isMeant(value: unknown): value is Meant {
  return typeof value === 'object' && value !== null && 'name' in value;
}
