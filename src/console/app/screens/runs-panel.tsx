import { useEffect, useState } from 'preact/hooks';
import { ask, type Run, type Session } from '../api.ts';
import { Panel } from '../parts/panel.tsx';
import { RunState, RunView } from '../parts/run.tsx';
import { counted, moment, type Shown } from '../words.ts';

const FIRST = 8;

interface RunsPanelProps {
  readonly session: Session;
  readonly shown: Shown;
}

/** What was started in this console since it began, the newest first, each with its log; whoever comes later finds it here. */
export function RunsPanel({ session, shown }: RunsPanelProps) {
  const [runs, setRuns] = useState<readonly Run[]>([]);
  const look = (): void =>
    void ask<{ readonly runs: readonly Run[] }>('/api/runs').then(
      ({ runs }) => setRuns(runs),
      () => undefined,
    );
  useEffect(look, [shown.now.getTime()]);
  if (runs.length === 0) return null;
  const running = runs.filter(({ state }) => state === 'running').length;
  return (
    <Panel id="runs" title="Started here" aside={running === 0 ? counted(runs.length, 'command') : `${running} running`}>
      <ul class="runs">
        {runs.slice(0, FIRST).map((run) => (
          <RunItem key={run.id} run={run} session={session} shown={shown} onEnd={look} />
        ))}
      </ul>
    </Panel>
  );
}

interface RunItemProps extends RunsPanelProps {
  readonly run: Run;
  readonly onEnd: () => void;
}

/** Its log is asked for when it is opened. */
function RunItem({ run, session, shown, onEnd }: RunItemProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <code>{run.command}</code>
          <span class="bar">
            {isOpen ? null : <RunState run={run} />}
            <span class="meta">
              {moment(run.startedAt, shown, true)}, {run.who}
            </span>
          </span>
        </summary>
        {isOpen ? <RunView id={run.id} session={session} onEnd={onEnd} /> : null}
      </details>
    </li>
  );
}
