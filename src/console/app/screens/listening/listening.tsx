import type { ComponentType } from 'preact';
import { useLive } from '../../live.tsx';
import { Tabs } from '../../parts/choices.tsx';
import { Command } from '../../parts/command.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { useQuery } from '../../query.ts';
import type { ScreenProps } from '../../screen.ts';
import '../../styles/listening.css';
import '../../styles/listening-drawings.css';
import { ChartsTab } from './charts.tsx';
import { FilterBar } from './filter-bar.tsx';
import { readFilters, type Filters } from './filters.ts';
import { HabitsTab, SoundTab } from './habits.tsx';
import { LibraryTab } from './library.tsx';
import { OverviewTab } from './overview.tsx';
import { ListeningContext, useListening } from './listening-context.ts';
import { useReport } from './part.tsx';
import { QualityTab } from './quality.tsx';
import { RecommenderTab } from './recommender.tsx';
import { grouped, momentText, numberOf, textOf, type Row } from './report.ts';
import { TopTab } from './top.tsx';
import { TrendsTab } from './trends.tsx';
import { WhenTab } from './when.tsx';

type TabName = 'overview' | 'when' | 'trends' | 'top' | 'habits' | 'library' | 'sound' | 'charts' | 'recommender' | 'quality';

const TABS: readonly (readonly [TabName, string, ComponentType])[] = [
  ['overview', 'Overview', OverviewTab],
  ['when', 'When', WhenTab],
  ['trends', 'Trends', TrendsTab],
  ['top', 'Most played', TopTab],
  ['habits', 'Habits', HabitsTab],
  ['library', 'Library', LibraryTab],
  ['sound', 'Genres and sound', SoundTab],
  ['charts', 'Charts', ChartsTab],
  ['recommender', 'Recommender', RecommenderTab],
  ['quality', 'What this rests on', QualityTab],
];

/** When, what and from where music was played: every report of the warehouse, narrowed by filters that hold together. */
export function Listening({ session }: ScreenProps) {
  const [query, change] = useQuery();
  return (
    <ListeningContext.Provider value={{ session, filters: readFilters(query), cluster: query['cluster'], change }}>
      <div class="listening">
        <Body tab={TABS.find(([name]) => name === query['tab'])?.[0] ?? 'overview'} />
      </div>
    </ListeningContext.Provider>
  );
}

function Body({ tab }: { readonly tab: TabName }) {
  const { filters, cluster, change } = useListening();
  const basis = useReport('basis', {});
  const frame = useReport('date-range', filters);
  const [rests] = basis.answer?.document.parts[0]?.rows ?? [];
  const waiting = basis.answer?.document.waitingPlays ?? 0;
  return (
    <>
      <div class="page">
        <div>
          <h1>Listening</h1>
          <RestsOn row={rests} />
        </div>
        <Clusters chosen={cluster} onChoose={(name) => change({ cluster: name })} />
      </div>
      {waiting === 0 ? null : (
        <p class="stale" role="status">
          <span class="st warn">{grouped(waiting)} plays came since the marts were refreshed</span> <code>call mart.refresh()</code> counts
          them.
        </p>
      )}
      {rests === undefined ? (
        basis.failure === undefined ? (
          <Loading what="the warehouse" />
        ) : basis.failure.code === 'refused' ? (
          <NoWarehouse again={basis.again} />
        ) : (
          <Failed failure={basis.failure} again={basis.again} />
        )
      ) : numberOf(rests, 'files') === 0 ? (
        <NothingLoaded />
      ) : (
        <div class="stackv">
          <FilterBar frame={frame.answer} all={numberOf(rests, 'listens')} />
          {frame.failure === undefined || frame.answer !== undefined ? (
            <Tabs
              label="Parts of the report"
              choices={TABS.map(([name, words]) => [name, words] as const)}
              value={tab}
              onChoose={(name) => change({ tab: name === 'overview' ? undefined : name })}
            >
              <div class="stackv">
                <Panels tab={tab} plays={frame.answer?.document.parts[0]?.rows[0]} />
              </div>
            </Tabs>
          ) : (
            <Failed failure={frame.failure} again={frame.again} />
          )}
        </div>
      )}
    </>
  );
}

/** Whose plays nobody has loaded is told what to load; all else shows its own emptiness. */
function Panels({ tab, plays }: { readonly tab: TabName; readonly plays: Row | undefined }) {
  const { filters } = useListening();
  const [, , Tab = OverviewTab] = TABS.find(([name]) => name === tab) ?? [];
  const isOfPlays = !['library', 'charts', 'recommender', 'quality'].includes(tab);
  if (isOfPlays && plays !== undefined && numberOf(plays, 'plays') === 0 && isOnlyListener(filters))
    return <NoPlays listener={filters.listener ?? ''} />;
  return <Tab />;
}

function isOnlyListener(filters: Filters): boolean {
  return filters.listener !== undefined && Object.keys(filters).every((name) => name === 'listener' || name === 'zone' || name === 'chart');
}

function RestsOn({ row }: { readonly row: Row | undefined }) {
  if (row === undefined) return <p class="meta">Plays of 30 s to 60 min, as the warehouse has them</p>;
  const { session } = useListening();
  const refused = numberOf(row, 'rows_rejected');
  const when = (key: string): string | undefined => momentText(textOf(row, key), { now: new Date(), timeZone: session.project.timeZone });
  const search = new URLSearchParams(location.search);
  search.set('tab', 'quality');
  return (
    <p class="meta">
      marts of {when('refreshed_at') ?? 'never'} · last play {when('last_played_at') ?? 'none'} ·{' '}
      <a href={`${location.pathname}?${search.toString()}`}>
        {grouped(refused)} of {grouped(numberOf(row, 'rows_received'))} rows refused
      </a>
    </p>
  );
}

function Clusters({ chosen, onChoose }: { readonly chosen: string | undefined; readonly onChoose: (name: string) => void }) {
  const names = (useLive().answer?.status.clusters ?? []).map(({ name }) => name);
  if (names.length < 2) return null;
  return (
    <label class="field ways">
      Cluster
      <select value={chosen ?? ''} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
        <option value="">default</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function NoWarehouse({ again }: { readonly again: () => void }) {
  return (
    <Empty title="There is no listening warehouse in this database">
      <p class="meta">The migrations and routines of the project make it:</p>
      <Command text="dbadmin migrate up" />
      <button type="button" class="btn" onClick={again}>
        Look again
      </button>
    </Empty>
  );
}

function NothingLoaded() {
  return (
    <Empty title="Nothing is loaded yet">
      <p class="meta">An account export of Spotify, straight from its zip, is enough to begin:</p>
      <Command text="dbadmin spotify load my_spotify_data.zip --listener NAME" />
      <p class="meta">To try it without one, make some:</p>
      <Command text="dbadmin spotify generate --listeners 5 --plays 20000 --out /tmp/listening" />
      <Command text="dbadmin spotify load /tmp/listening" />
    </Empty>
  );
}

function NoPlays({ listener }: { readonly listener: string }) {
  const { change } = useListening();
  return (
    <Empty title={`No play of ${listener} counts yet`}>
      <p class="meta">Reports count plays of 30 s to 60 min. An account export holds the history of a year, the extended one all of it:</p>
      <Command text={`dbadmin spotify load my_spotify_data.zip --listener ${/^[\w.-]+$/.test(listener) ? listener : 'NAME'}`} />
      <p class="meta">Songs can be recommended without a history, by preference:</p>
      <button type="button" class="btn" onClick={() => change({ tab: 'recommender', by: undefined })}>
        Recommend by preference
      </button>
    </Empty>
  );
}
