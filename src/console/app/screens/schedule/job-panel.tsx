import { useAnswer } from '../../answer.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { counted, moment } from '../../words.ts';
import { triggerWords } from './cron-words.ts';
import { dayWords } from './days.ts';
import { settingsOf } from './declared.tsx';
import type { HistoryDocument, JobDocument } from './documents.ts';
import { Durations } from './durations.tsx';
import { JobActions } from './job-actions.tsx';
import { RunsTable } from './runs-table.tsx';
import type { Common } from './selection.ts';

const MOST_RUNS = 100;

/** One job: what it is, what it waits for and what waits for it, how long it takes, the runs of the chosen day, and what can be done. */
export function JobPanel({
  job: name,
  list,
  history,
  selection,
  select,
  session,
  shown,
  onDone,
}: Common & { readonly job: string; readonly history: HistoryDocument | undefined; readonly onDone: () => void }) {
  const job = list.jobs.find((each) => each.name === name);
  const own = history?.jobs.find((each) => each.job === name);
  return (
    <Panel
      id="job"
      title={name}
      aside={
        <button type="button" class="link" onClick={() => select({ job: undefined, day: undefined, run: undefined })}>
          Close
        </button>
      }
    >
      {job === undefined ? (
        <p class="body meta">
          {own === undefined ? 'There is no such job, and none of that name ran.' : 'It is scheduled no longer; what ran is still here.'}
        </p>
      ) : (
        <div class="body stackv">
          <JobActions session={session} job={job} shown={shown} onDone={onDone} />
          <dl class="facts">
            <dt>Does</dt>
            <dd>{job.description}</dd>
            <dt>Due</dt>
            <dd>
              {triggerWords(job)}
              {job.timeZone === null ? '' : `, ${job.timeZone}`}
              {job.cron === null || job.cron === triggerWords(job) ? null : (
                <>
                  {' '}
                  <code>{job.cron}</code>
                </>
              )}
            </dd>
            <dt>If it fails</dt>
            <dd>{settingsOf(job)}</dd>
            {job.pause === null ? null : (
              <>
                <dt>Paused</dt>
                <dd>
                  by {job.pause.by} since {moment(job.pause.at, shown)}
                  {job.pause.until === null ? '' : `, until ${moment(job.pause.until, shown)}`}
                  {job.pause.reason === null ? '' : `: “${job.pause.reason}”`}
                </dd>
              </>
            )}
          </dl>
          <Chain job={job} list={list} select={select} />
        </div>
      )}
      {history === undefined || own === undefined ? null : (
        <Durations history={own} days={history.days} selectedDay={selection.day} onDay={(day) => select({ day, run: undefined })} />
      )}
      {own === undefined && job === undefined ? null : (
        <DayRuns job={name} day={selection.day} days={selection.days} chosen={selection.run} select={select} shown={shown} />
      )}
    </Panel>
  );
}

/** What it runs after, and what runs after it. */
function Chain({ job, list, select }: { readonly job: JobDocument } & Pick<Common, 'list' | 'select'>) {
  const after = list.jobs.filter((each) => each.after.includes(job.name));
  if (job.after.length + after.length === 0) return null;
  const node = (name: string) => (
    <button key={name} type="button" class="node" onClick={() => select({ job: name, day: undefined, run: undefined })}>
      {name}
    </button>
  );
  return (
    <div class="chain" role="group" aria-label={`What ${job.name} runs after, and what runs after it`}>
      {job.after.length === 0 ? null : (
        <>
          <span class="nodes">{job.after.map(node)}</span>
          <span class="edge">{job.after.length > 1 ? 'when all are done' : 'when done'}</span>
        </>
      )}
      <b class="node goal">{job.name}</b>
      {after.length === 0 ? null : (
        <>
          <span class="edge">when done</span>
          <span class="nodes">{after.map(({ name }) => node(name))}</span>
        </>
      )}
    </div>
  );
}

function DayRuns({
  job,
  day,
  days,
  chosen,
  select,
  shown,
}: {
  readonly job: string;
  readonly day: string | undefined;
  readonly days: number;
  readonly chosen: string | undefined;
} & Pick<Common, 'select' | 'shown'>) {
  const { answer, failure, again } = useAnswer<HistoryDocument>(
    'schedule/history',
    day === undefined ? { job, since: `${days}d` } : { job, on: day },
    { everyMs: 5000 },
  );
  if (answer === undefined)
    return failure === undefined ? <Loading what={`the runs of ${job}`} /> : <Failed failure={failure} again={again} />;
  const runs = answer.document.runs.toReversed();
  return (
    <>
      <h3 class="sub-head">
        {day === undefined ? `Runs of the last ${counted(days, 'day')}` : `Runs of ${dayWords(day)}`}
        <span class="meta"> {counted(runs.length, 'run')}</span>
        {day === undefined ? null : (
          <button type="button" class="link" onClick={() => select({ day: undefined, run: undefined })}>
            All days
          </button>
        )}
      </h3>
      {runs.length === 0 ? (
        <p class="body">
          <Status kind="off">Nothing is recorded</Status>
        </p>
      ) : (
        <RunsTable
          runs={runs.slice(0, MOST_RUNS)}
          shown={shown}
          chosen={chosen}
          withJob={false}
          onChosen={({ runId }) => select({ run: runId })}
        />
      )}
      {runs.length <= MOST_RUNS ? null : <p class="note">and {runs.length - MOST_RUNS} older: choose a day</p>}
    </>
  );
}
