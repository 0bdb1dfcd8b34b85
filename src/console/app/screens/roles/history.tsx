import { useState } from 'preact/hooks';
import { formatDuration } from '../../../../base/durations.ts';
import { useAnswer, type Answered } from '../../answer.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { counted, moment } from '../../words.ts';
import type { HistoryDocument, HistoryRun } from './documents.ts';
import type { RolesPage } from './page.ts';

const OUTCOMES = {
  done: ['ok', 'done'],
  failed: ['bad', 'failed'],
  running: ['run', 'running'],
  unfinished: ['warn', 'unfinished'],
} as const;

/** Applies and rotations that the cluster itself has written down, the newest first. */
export function History({ page, history }: { readonly page: RolesPage; readonly history: Answered<HistoryDocument> }) {
  const { answer, failure, again } = history;
  const runs = answer?.document.runs ?? [];
  return (
    <Panel
      id="history"
      title="Applies"
      aside={answer === undefined ? undefined : `${counted(runs.length, 'run')} in the record of ${answer.document.database}`}
      wide="c6"
    >
      {failure === undefined ? null : <Failed failure={failure} again={again} />}
      {answer === undefined ? (
        failure === undefined ? (
          <Loading what="the record of applies" />
        ) : null
      ) : runs.length === 0 ? (
        failure === undefined ? (
          <p class="body meta">Nothing is recorded yet. The first dbadmin roles apply begins the record.</p>
        ) : null
      ) : (
        <ul class="todo">
          {runs.map((run) => (
            <Run key={run.run} page={page} run={run} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Run({ page, run }: { readonly page: RolesPage; readonly run: HistoryRun }) {
  const [isOpen, setOpen] = useState(false);
  const [kind, word] = OUTCOMES[run.outcome];
  return (
    <li>
      <Status kind={kind}>{word}</Status>
      <div>
        <p>
          <b>{moment(run.beganAt, page.shown, true)}</b> {counted(run.changes, 'change')} of {run.file === '' ? 'no file' : run.file}
          {run.tookMs === null ? '' : `, ${formatDuration(run.tookMs)}`}{' '}
          <span class="meta">
            as {run.role}, by {run.by}
          </span>
        </p>
        {run.message === null || run.outcome === 'done' ? null : <p>{run.message}</p>}
        <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
          <summary>Statements</summary>
          {isOpen ? <Statements page={page} run={run.run} /> : null}
        </details>
      </div>
    </li>
  );
}

function Statements({ page, run }: { readonly page: RolesPage; readonly run: number }) {
  const { answer, failure, again } = useAnswer<HistoryDocument>('roles/history', { cluster: page.place.cluster, run: String(run) });
  if (answer === undefined) return failure === undefined ? <Loading what="what was sent" /> : <Failed failure={failure} again={again} />;
  const statements = answer.document.runs[0]?.statements ?? [];
  if (statements.length === 0) return <p class="meta">No statement is recorded: passwords are never written down.</p>;
  return <pre class="sql">{statements.map((statement) => `${statement};`).join('\n')}</pre>;
}
