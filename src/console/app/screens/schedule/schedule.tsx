import { useState } from 'preact/hooks';
import { useAnswer } from '../../answer.ts';
import { Command } from '../../parts/command.tsx';
import { Empty, Failed, Loading, Stale } from '../../parts/states.tsx';
import { useQuery } from '../../query.ts';
import type { ScreenProps } from '../../screen.ts';
import { counted, moment, type Shown } from '../../words.ts';
import '../../styles/schedule.css';
import { Alerts } from './alerts.tsx';
import { Declared } from './declared.tsx';
import type { AlertsDocument, HistoryDocument, ListDocument, NextDocument, WorkersDocument } from './documents.ts';
import { Export } from './export.tsx';
import { GridPanel } from './grid-panel.tsx';
import { JobPanel } from './job-panel.tsx';
import { LogPanel } from './log-panel.tsx';
import { Maintenance } from './maintenance.tsx';
import { NextRuns } from './next-runs.tsx';
import { readSelection } from './selection.ts';
import { scheduleSentence } from './sentence.ts';
import { Unplanned } from './unplanned.tsx';
import { Workers } from './workers.tsx';

/** What ran, what did not, what goes on and what is next; then why, and what can be done about it. */
export function Schedule({ session }: ScreenProps) {
  const [query, setQuery] = useQuery();
  const [isMaintaining, setMaintaining] = useState(false);
  const selection = readSelection(query);
  const list = useAnswer<ListDocument>('schedule/list', {}, { everyMs: 5000 });
  const history = useAnswer<HistoryDocument>(
    'schedule/history',
    { since: `${selection.days}d`, brief: 'yes' },
    { everyMs: 5000, keepsOld: true },
  );
  const next = useAnswer<NextDocument>('schedule/next', { count: '200' }, { everyMs: 15_000 });
  const workers = useAnswer<WorkersDocument>('schedule/workers', {}, { everyMs: 5000 });
  const alerts = useAnswer<AlertsDocument>('alerts/list', {}, { everyMs: 10_000 });
  const shown: Shown = { now: new Date(list.answer?.askedAt ?? Date.now()), timeZone: session.project.timeZone };
  if (list.answer === undefined) {
    return (
      <>
        <h1>Schedule</h1>
        {list.failure === undefined ? (
          <Loading what="the schedule" />
        ) : list.failure.code === 'config-missing' ? (
          <NothingScheduled again={list.again} />
        ) : (
          <Failed failure={list.failure} again={list.again} />
        )}
      </>
    );
  }
  const document = list.answer.document;
  const again = (): void => [list, history, next, workers].forEach((each) => each.again());
  const common = { session, shown, selection, select: setQuery, list: document };
  return (
    <>
      <div class="page">
        <div>
          <h1>Schedule</h1>
          <p class="meta">{describeProject(document, workers.answer?.document, session.project.timeZone)}</p>
        </div>
        <div class="controls">
          <button type="button" class="btn" aria-expanded={isMaintaining} onClick={() => setMaintaining(!isMaintaining)}>
            Maintenance window
          </button>
        </div>
      </div>
      {list.failure === undefined ? null : <Stale since={moment(list.answer.askedAt, shown, true)} why={list.failure.message} />}
      <div class="stackv">
        <section class="panel" aria-label="How it stands">
          <p class="say">{scheduleSentence(history.answer?.document, next.answer?.document, shown)}</p>
        </section>
        {isMaintaining ? <Maintenance session={session} list={document} onDone={again} /> : null}
        <GridPanel {...common} history={history} />
        {selection.job === undefined ? null : (
          <JobPanel key={selection.job} {...common} job={selection.job} history={history.answer?.document} onDone={again} />
        )}
        <div class="cols top">
          <div class="c7 stackv">
            <LogPanel {...common} workers={workers.answer?.document} history={history.answer?.document} />
            <Workers shown={shown} workers={workers} />
          </div>
          <NextRuns {...common} next={next} />
        </div>
        <Unplanned {...common} history={history.answer?.document} />
        <Alerts shown={shown} alerts={alerts} />
        <Declared {...common} />
        <Export />
      </div>
    </>
  );
}

/** A project without the file of policies is no failure. */
function NothingScheduled({ again }: { readonly again: () => void }) {
  return (
    <Empty title="Nothing is scheduled yet">
      <p class="meta">
        Backups, drills and other jobs with their times are written in <code>backups/policies.yaml</code>; this makes one to begin with:
      </p>
      <Command text="dbadmin init" />
      <button type="button" class="btn" onClick={again}>
        Look again
      </button>
    </Empty>
  );
}

function describeProject({ jobs, receiving }: ListDocument, workers: WorkersDocument | undefined, timeZone: string): string {
  const clusters = new Set([...jobs.flatMap(({ cluster }) => cluster ?? []), ...receiving.map(({ cluster }) => cluster)]);
  const alive = workers?.workers.filter(({ isAlive }) => isAlive).length;
  return [
    `${counted(jobs.length, 'job')} on ${counted(clusters.size, 'cluster')}`,
    ...(alive === undefined ? [] : [alive === 0 ? 'no worker' : counted(alive, 'worker')]),
    `times in ${timeZone}`,
  ].join(' · ');
}
