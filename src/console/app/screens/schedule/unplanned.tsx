import { Panel, Status } from '../../parts/panel.tsx';
import { counted } from '../../words.ts';
import { dayOf } from './days.ts';
import type { HistoryDocument } from './documents.ts';
import { RunsTable } from './runs-table.tsx';
import type { Common } from './selection.ts';

const MOST = 12;
const OVER: ReadonlySet<string> = new Set(['succeeded', 'failed', 'missed', 'skipped']);

/** What failed, was missed, left out, late or done only at a later try, the newest first, each with its reason. */
export function Unplanned({ history, list, selection, select, shown }: Common & { readonly history: HistoryDocument | undefined }) {
  if (history === undefined) return null;
  const clusters = new Map(list.jobs.map(({ name, cluster }) => [name, cluster]));
  const runs = history.runs
    .filter(({ state, job }) => OVER.has(state) && (selection.cluster === undefined || clusters.get(job) === selection.cluster))
    .toReversed();
  return (
    <Panel
      id="unplanned"
      title="What did not go as planned"
      aside={`${counted(history.days.length, 'day')}, ${counted(runs.length, 'run')}`}
    >
      {runs.length === 0 ? (
        <p class="body">
          <Status kind="ok">Everything went as planned</Status>
        </p>
      ) : (
        <>
          <RunsTable
            runs={runs.slice(0, MOST)}
            shown={shown}
            chosen={selection.run}
            withJob
            onChosen={({ job, due, runId }) => select({ job, day: dayOf(due, list.timeZone), run: runId })}
          />
          {runs.length <= MOST ? null : <p class="note">and {runs.length - MOST} older: choose a day above, or fewer days</p>}
        </>
      )}
    </Panel>
  );
}
