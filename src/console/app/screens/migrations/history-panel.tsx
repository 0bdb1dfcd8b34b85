import { useState } from 'preact/hooks';
import { formatDuration } from '../../../../base/durations.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { Empty } from '../../parts/states.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import type { HistoryDocument, HistoryEntry } from './documents.ts';

const KINDS = {
  versioned: 'applied',
  routine: 'applied',
  seed: 'seeded',
  baseline: 'baseline',
  repair: 'decided',
  down: 'undone',
} as const;

/** Rows at first: a project has hundreds, and the rest of the screen stands below them. */
const FIRST = 20;

/** Who applied what, when, how long it took, what it kept others from, from which commit, and what there is to go back to. */
export function HistoryPanel({ history, shown }: { readonly history: HistoryDocument; readonly shown: Shown }) {
  const { entries, total } = history;
  const [isWhole, setWhole] = useState(false);
  if (total === 0) {
    return (
      <Panel id="history" title="History">
        <Empty title="Nothing has been applied yet">
          <p class="meta">Each run of dbadmin migrate writes down here what it did.</p>
        </Empty>
      </Panel>
    );
  }
  return (
    <Panel
      id="history"
      title="History"
      aside={`${entries.length === total ? counted(total, 'row') : `${entries.length} of ${total} rows`} · newest first`}
    >
      <div class="scroll" tabIndex={0} role="region" aria-label="History, row by row">
        <table class="stackt history">
          <thead>
            <tr>
              <th>Version and name</th>
              <th>When</th>
              <th>By</th>
              <th class="num">Took</th>
              <th class="num">Longest lock</th>
              <th>Commit</th>
              <th>Restore point</th>
              <th>State</th>
            </tr>
          </thead>
          <tbody>
            {(isWhole ? entries : entries.slice(0, FIRST)).map((entry, at) => (
              <Row key={`${entry.runId} ${entry.name} ${entry.statement ?? ''} ${at}`} entry={entry} shown={shown} />
            ))}
          </tbody>
        </table>
      </div>
      {isWhole || entries.length <= FIRST ? null : (
        <p class="note">
          <button type="button" class="btn" onClick={() => setWhole(true)}>
            Show {entries.length - FIRST} older ones
          </button>
        </p>
      )}
      {total > entries.length ? (
        <p class="note">
          All of it: <code>dbadmin migrate history --limit {Math.min(10_000, total)}</code>
        </p>
      ) : null}
    </Panel>
  );
}

function Row({ entry, shown }: { readonly entry: HistoryEntry; readonly shown: Shown }) {
  const { name, statement, kind, startedAt, finishedAt, tookMs, attempts, appliedBy, gitCommit, restorePoint, locks, reason } = entry;
  const longest = locks.toSorted((a, b) => (b.heldMs ?? 0) - (a.heldMs ?? 0))[0];
  return (
    <tr>
      <th scope="row" class="w0">
        <code>{name}</code>
        {statement === null ? null : <span class="meta"> statement {statement}</span>}
        {reason === null ? null : <span class="meta"> {reason}</span>}
      </th>
      <td class="nowrap" data-l="when">
        {moment(finishedAt ?? startedAt, shown, true)}
      </td>
      <td data-l="by">{appliedBy}</td>
      <td class="num" data-l="took">
        {tookMs === null ? '–' : formatDuration(tookMs)}
        {attempts > 1 ? `, ${attempts} tries` : ''}
      </td>
      <td class="num" data-l="longest lock">
        {longest?.heldMs === undefined ? '–' : `${formatDuration(longest.heldMs)} of ${longest.relation}`}
      </td>
      <td class={gitCommit === null ? 'hide-s' : undefined} data-l="commit">
        {gitCommit === null ? '–' : <code>{gitCommit.slice(0, 10)}</code>}
      </td>
      <td data-l="restore point">
        {restorePoint === null ? (
          '–'
        ) : (
          <>
            <code>{restorePoint.name}</code> <span class="meta">{restorePoint.lsn}</span>
          </>
        )}
      </td>
      <td>
        {finishedAt === null ? <Status kind="bad">not ended</Status> : <Status kind={kind === 'down' ? 'off' : 'ok'}>{KINDS[kind]}</Status>}
      </td>
    </tr>
  );
}
