import type { Answered } from '../../answer.ts';
import { Select } from '../../parts/choices.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { counted } from '../../words.ts';
import type { HistoryDocument } from './documents.ts';
import { Grid, Legend } from './grid.tsx';
import { layOutGrid, type StateFilter } from './grid-layout.ts';
import { SPANS, type Common } from './selection.ts';

const STATES: readonly (readonly [StateFilter, string])[] = [
  ['all', 'All'],
  ['failed', 'Failed'],
  ['unplanned', 'Not as planned'],
  ['running', 'Running or waiting'],
  ['paused', 'Paused'],
];

/** Job by day, with what it is narrowed to. */
export function GridPanel({ list, history, selection, select, shown }: Common & { readonly history: Answered<HistoryDocument> }) {
  const document = history.answer?.document;
  if (list.jobs.length === 0 && (document?.jobs.length ?? 0) === 0) {
    return (
      <Panel id="grid" title="Runs by day">
        <Empty title="Nothing is scheduled">
          <p class="meta">
            Backups, drills and other jobs with their times are written in <code>{list.file}</code>; a worker that runs sees a change at
            once.
          </p>
        </Empty>
      </Panel>
    );
  }
  const days = document?.days ?? [];
  const rows = layOutGrid(list, document ?? { days, jobs: [] }, selection);
  return (
    <Panel
      id="grid"
      title="Runs by day"
      aside={document === undefined ? undefined : `${counted(rows.length, 'job')}, ${counted(days.length, 'day')}`}
    >
      <Filters list={list} selection={selection} select={select} />
      {document === undefined ? (
        history.failure === undefined ? (
          <Loading what="what ran" />
        ) : (
          <Failed failure={history.failure} again={history.again} />
        )
      ) : rows.length === 0 ? (
        <Empty title="No job is like that">
          <button type="button" class="btn" onClick={() => select({ cluster: undefined, policy: undefined, state: undefined })}>
            Show all {list.jobs.length}
          </button>
        </Empty>
      ) : (
        <>
          <Grid rows={rows} days={days} today={days.at(-1)} selection={selection} select={select} shown={shown} />
          <Legend />
        </>
      )}
    </Panel>
  );
}

function Filters({ list, selection, select }: Pick<Common, 'list' | 'selection' | 'select'>) {
  const clusters = [...new Set(list.jobs.flatMap(({ cluster }) => cluster ?? []))];
  const policies = [...new Set(list.jobs.flatMap(({ policy }) => policy ?? []))];
  return (
    <div class="bar filters">
      <Select
        label="Cluster"
        value={selection.cluster ?? ''}
        onChoose={(cluster) => select({ cluster })}
        choices={[['', 'All'], ...same(clusters)]}
      />
      <Select
        label="Policy"
        value={selection.policy ?? ''}
        onChoose={(policy) => select({ policy })}
        choices={[['', 'All'], ...same(policies), ['-', 'None']]}
      />
      <Select
        label="State"
        value={selection.state}
        onChoose={(state) => select({ state: state === 'all' ? undefined : state })}
        choices={STATES}
      />
      <Select
        label="Days"
        value={String(selection.days)}
        onChoose={(days) => select({ days: days === '14' ? undefined : days })}
        choices={SPANS.map((each) => [String(each), String(each)] as const)}
      />
    </div>
  );
}

function same(names: readonly string[]): readonly (readonly [string, string])[] {
  return names.map((name) => [name, name] as const);
}
