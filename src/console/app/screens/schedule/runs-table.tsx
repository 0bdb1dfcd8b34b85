import { formatDuration } from '../../../../base/durations.ts';
import { Status } from '../../parts/panel.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import type { RunDocument, RunState } from './documents.ts';

export const RUN_STATES: Readonly<Record<RunState, readonly ['ok' | 'warn' | 'bad' | 'run' | 'unproven' | 'off', string]>> = {
  succeeded: ['ok', 'done'],
  failed: ['bad', 'failed'],
  running: ['run', 'running'],
  queued: ['run', 'queued'],
  waiting: ['unproven', 'waiting'],
  missed: ['warn', 'missed'],
  skipped: ['off', 'left out'],
};

const CAUSES = { time: 'at its time', after: 'after others', manual: 'asked for', timer: 'without a worker' } as const;
/** Later than a worker that was there would have begun it. */
const LATE_MS = 5 * 60_000;

interface RunsTableProps {
  readonly runs: readonly RunDocument[];
  readonly shown: Shown;
  readonly chosen: string | undefined;
  readonly onChosen: (run: RunDocument) => void;
  readonly withJob: boolean;
}

/** Runs with what they came to; one that began can be chosen for its log. */
export function RunsTable({ runs, shown, chosen, onChosen, withJob }: RunsTableProps) {
  return (
    <div class="scroll">
      <table class="stackt">
        <thead>
          <tr>
            <th>Due</th>
            {withJob ? <th>Job</th> : null}
            <th>Result</th>
            <th>Why, and what followed</th>
            <th class="num">Took</th>
            <th class="num">Tries</th>
            <th>By</th>
            <th>
              <span class="vh">Log</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.runId} class={run.runId === chosen ? 'sel' : undefined}>
              <td class="nowrap">{moment(run.due, shown, true)}</td>
              {withJob ? <th scope="row">{run.job}</th> : null}
              <td>
                <RunStatus run={run} />
              </td>
              <td class="w">{whyOf(run)}</td>
              <td class={run.startedAt === null ? 'num hide-s' : 'num'} data-l="took">
                {tookOf(run, shown)}
              </td>
              <td class={run.attempt === 0 ? 'num hide-s' : 'num'} data-l="tries">
                {run.attempt}
              </td>
              <td class={run.worker === null ? 'hide-s' : undefined} data-l="by">
                {run.worker ?? '–'}
              </td>
              <td>
                {run.attempt === 0 ? null : (
                  <button
                    type="button"
                    class="link"
                    aria-pressed={run.runId === chosen}
                    aria-label={`Log of ${run.job}, due ${moment(run.due, shown, true)}`}
                    onClick={() => onChosen(run)}
                  >
                    Log
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function RunStatus({ run }: { readonly run: RunDocument }) {
  const [kind, word] = RUN_STATES[run.state];
  if (run.state === 'missed' && run.times > 1) return <Status kind={kind}>{`${run.times} missed`}</Status>;
  if (run.state !== 'succeeded') return <Status kind={kind}>{word}</Status>;
  if (run.error !== null) return <Status kind="warn">done, with a warning</Status>;
  if (run.failures > 0) return <Status kind="warn">done, retried</Status>;
  const lateMs = lateness(run);
  return lateMs > LATE_MS ? <Status kind="warn">{`done, ${formatDuration(lateMs)} late`}</Status> : <Status kind="ok">done</Status>;
}

function lateness({ cause, startedAt, due }: RunDocument): number {
  return cause === 'time' && startedAt !== null ? Date.parse(startedAt) - Date.parse(due) : 0;
}

/** Its message; of one that did well, what made it run. */
export function whyOf(run: RunDocument): string {
  if (run.error !== null) return run.error;
  if (run.state === 'succeeded' && run.failures > 0) return `Done at attempt ${run.attempt}, after ${counted(run.failures, 'failure')}.`;
  if (run.state === 'succeeded' && lateness(run) > LATE_MS) return 'Caught up: nobody was there to run it at its time.';
  return CAUSES[run.cause];
}

export function tookOf({ startedAt, endedAt, state }: RunDocument, { now }: Shown): string {
  if (startedAt === null) return '–';
  if (endedAt !== null) return formatDuration(Date.parse(endedAt) - Date.parse(startedAt));
  return state === 'running' ? `${formatDuration(Math.max(0, now.getTime() - Date.parse(startedAt)))} so far` : '–';
}
