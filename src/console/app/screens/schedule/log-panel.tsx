import { useState } from 'preact/hooks';
import { Select } from '../../parts/choices.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { moment } from '../../words.ts';
import type { HistoryDocument, LogDocument, RunDocument, WorkersDocument } from './documents.ts';
import { useJobLog, type JobLog } from './job-log.ts';
import { LogView } from './log-view.tsx';
import { RunStatus, tookOf } from './runs-table.tsx';
import type { Common } from './selection.ts';

/** What the chosen run printed; without one, what the job prints that runs now. */
export function LogPanel({
  selection,
  workers,
  history,
  shown,
}: Common & { readonly workers: WorkersDocument | undefined; readonly history: HistoryDocument | undefined }) {
  const [attempt, setAttempt] = useState<number>();
  const running = [...(workers?.workers.flatMap(({ runs }) => runs) ?? []), ...(workers?.others ?? [])];
  const own = running.find(({ job }) => job === selection.job) ?? (selection.job === undefined ? running[0] : undefined);
  // The log of a run that has just ended stays: whoever followed it wants to see how it ended.
  const [followed, setFollowed] = useState<{ readonly job: string; readonly run: string | undefined }>();
  const hasRun = history?.jobs.some(({ job, runs }) => job === selection.job && runs > 0) === true;
  const wanted = wantedRun(selection, own, hasRun);
  if (wanted !== undefined && (wanted.run !== followed?.run || wanted.job !== followed?.job)) {
    setFollowed(wanted);
    setAttempt(undefined);
  }
  const shownRun = wanted ?? (selection.job === undefined || selection.job === followed?.job ? followed : undefined);
  const log = useJobLog(shownRun?.job, shownRun?.run, attempt);
  if (shownRun === undefined) {
    return (
      <Panel id="log" title="Log">
        <p class="body meta">Nothing runs now. Choose a run for what it printed; what begins to run shows here by itself.</p>
      </Panel>
    );
  }
  const { about } = log;
  return (
    <Panel id="log" title={`Log of ${shownRun.job}`} aside={about === undefined ? undefined : <RunStatus run={about.run} />}>
      {about === undefined ? log.failure === undefined ? <Loading what="the log" /> : <Failed failure={log.failure} /> : null}
      {about === undefined ? null : (
        <About about={about} attempt={attempt} onAttempt={setAttempt} took={tookOf(about.run, shown)} begun={begunAt(about, shown)} />
      )}
      {about === undefined ? null : <Lines log={log} />}
    </Panel>
  );
}

/** The chosen run; else what runs now; else what the chosen job ran last. */
function wantedRun(
  { job, run }: Common['selection'],
  own: RunDocument | undefined,
  hasRun: boolean,
): { readonly job: string; readonly run: string | undefined } | undefined {
  if (job !== undefined && run !== undefined) return { job, run };
  if (own !== undefined) return { job: own.job, run: own.runId };
  return job !== undefined && hasRun ? { job, run: undefined } : undefined;
}

function begunAt({ run }: Pick<LogDocument, 'run'>, shown: Common['shown']): string {
  return run.startedAt === null ? `due ${moment(run.due, shown, true)}` : `begun ${moment(run.startedAt, shown, true)}`;
}

function About({
  about: { run, attempts, attempt },
  attempt: chosen,
  onAttempt,
  took,
  begun,
}: {
  readonly about: Omit<LogDocument, 'lines'>;
  readonly attempt: number | undefined;
  readonly onAttempt: (attempt: number | undefined) => void;
  readonly took: string;
  readonly begun: string;
}) {
  const shownAttempt = attempts.find((each) => each.attempt === attempt);
  return (
    <div class="body about">
      <p class="meta">
        {begun} · {took}
        {run.worker === null ? '' : ` · ${run.worker}`}
        {run.exitStatus === null || run.exitStatus === 0 ? '' : ` · exit status ${run.exitStatus}`}
      </p>
      {attempts.length < 2 ? null : (
        <Select
          label="Attempt"
          value={String(chosen ?? '')}
          onChoose={(value) => onAttempt(value === '' ? undefined : Number(value))}
          choices={[
            ['', 'The last'],
            ...attempts.map((each) => [String(each.attempt), `${each.attempt}: ${each.outcome ?? 'running'}, ${each.worker}`] as const),
          ]}
        />
      )}
      {(shownAttempt?.error ?? run.error) === null ? null : (
        <p class="failure">
          <span class={(shownAttempt?.outcome ?? run.state) === 'succeeded' ? 'st warn wraps' : 'st bad wraps'}>
            {shownAttempt?.error ?? run.error}
          </span>
        </p>
      )}
    </div>
  );
}

function Lines({ log: { buffer, failure, isOver, about } }: { readonly log: JobLog }) {
  return (
    <>
      {failure === undefined ? null : <p class="stale">{failure.message}</p>}
      <LogView label={`Log of ${about?.run.job ?? ''}`} buffer={buffer} isOver={isOver} />
    </>
  );
}
