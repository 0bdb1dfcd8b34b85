import { formatBytes } from '../../../../base/bytes.ts';
import { formatDuration } from '../../../../base/durations.ts';
import type { Answered } from '../../answer.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { sentence } from '../../parts/states.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import type { Info, StoredWal as Stored, WalStatus } from './documents.ts';
import { gapReason } from './restore-words.ts';

interface StoredWalProps {
  readonly info: Info;
  readonly status: Answered<WalStatus>;
  readonly shown: Shown;
}

const SHOWN_RUNS = 12;

/** How far the WAL is stored and how far it is behind, and what of it is missing, as lengths of one line. */
export function StoredWal({ info, status, shown }: StoredWalProps) {
  const state = status.answer?.document.repositories.find(({ name }) => name === info.repository);
  return (
    <Panel id="wal" title="Stored WAL" aside={lag(status, state)}>
      <div class="body stackv tight">
        {state?.error === undefined ? null : <p class="st bad wraps">{sentence(state.error)}</p>}
        {info.wal.timelines.length === 0 ? (
          <p class="meta">No WAL is stored apart from what lies in the backups. Start dbadmin wal receive.</p>
        ) : null}
        {info.wal.timelines.map((stored) => (
          <Timeline key={stored.timeline} stored={stored} info={info} shown={shown} />
        ))}
        {info.gaps.length === 0 ? null : <Missing info={info} shown={shown} />}
      </div>
    </Panel>
  );
}

function lag({ answer, failure }: Answered<WalStatus>, state: WalStatus['repositories'][number] | undefined) {
  if (answer === undefined) return failure === undefined ? 'looking' : <Status kind="warn">how far it is behind is not known</Status>;
  const { mode, delivery, isReceiving, slot, writtenLsn } = answer.document;
  const behind =
    state?.lagBytes === undefined || state.lagBytes === null
      ? ''
      : Number(state.lagBytes) === 0
        ? ', all WAL stored'
        : `, ${formatBytes(Number(state.lagBytes))} behind`;
  const lost =
    state?.lossMs === undefined || state.lossMs === null ? '' : ` · lost if the host vanished now: ≤ ${formatDuration(state.lossMs)}`;
  return (
    <>
      <Status kind={delivery.isWell ? 'ok' : 'warn'}>
        {mode !== 'stream'
          ? delivery.text
          : isReceiving
            ? `received through ${slot}`
            : writtenLsn === null
              ? 'the server does not answer'
              : `nobody receives (slot ${slot})`}
      </Status>
      {`${behind}${lost}`}
    </>
  );
}

function Timeline({ stored, info, shown }: { readonly stored: Stored; readonly info: Info; readonly shown: Shown }) {
  const { runs, open, horizon, timeline } = stored;
  const total = runs.reduce((sum, { segments }) => sum + segments, 0);
  const last = runs.slice(-SHOWN_RUNS);
  return (
    <div>
      <p>
        Timeline {timeline}: <b>{counted(total, 'segment')}</b> whole, {formatBytes(total * info.wal.segmentBytes)}
        {open.length === 0 ? '' : `, and ${counted(open.length, 'open one')} up to ${open.at(-1)?.toLsn ?? ''}`}
        {horizon === null ? '' : ` · everything before ${moment(horizon.at, shown, true)} is here`}
      </p>
      <ul class="segs">
        {runs.length > last.length ? <li class="meta">{counted(runs.length - last.length, 'older run')}</li> : null}
        {last.map(({ fromLsn, toLsn, segments }, index) => (
          <li key={fromLsn}>
            {index === 0 ? null : <b class="miss">▲ gap</b>} ✓ {fromLsn} → {toLsn} <span class="meta">{counted(segments, 'segment')}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Missing({ info, shown }: { readonly info: Info; readonly shown: Shown }) {
  return (
    <details class="twin">
      <summary>Gaps as a table</summary>
      <table class="stackt">
        <thead>
          <tr>
            <th>Timeline</th>
            <th>From</th>
            <th>To</th>
            <th>Lasts</th>
            <th>WAL</th>
            <th>Why</th>
          </tr>
        </thead>
        <tbody>
          {info.gaps.map((gap) => (
            <tr key={`${gap.timeline} ${gap.fromLsn}`}>
              <td>{gap.timeline}</td>
              <td>{gap.from === null ? 'not known' : moment(gap.from, shown, true)}</td>
              <td>{gap.to === null ? 'until the next backup' : moment(gap.to, shown, true)}</td>
              <td>{gap.from === null || gap.to === null ? '–' : formatDuration(Date.parse(gap.to) - Date.parse(gap.from))}</td>
              <td>
                <code>
                  {gap.fromLsn} → {gap.toLsn}
                </code>
              </td>
              <td>
                {gapReason([gap.reason])}
                {gap.noticedAt === null ? '' : `, noticed ${moment(gap.noticedAt, shown)}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
