import { useEffect, useState } from 'preact/hooks';
import { ask, failureOf, type AuditEntry, type AuditTrail, type Failure } from '../api.ts';
import { useLive } from '../live.tsx';
import { Panel, Status } from '../parts/panel.tsx';
import { Empty, Failed, Loading } from '../parts/states.tsx';
import type { ScreenProps } from '../screen.ts';
import { counted, moment, type Shown } from '../words.ts';
import { RunsPanel } from './runs-panel.tsx';

const FIRST = 100;

const OUTCOMES = {
  begun: ['run', 'begun'],
  done: ['ok', 'done'],
  refused: ['warn', 'refused'],
  failed: ['bad', 'failed'],
} as const;

/** Who did what through this console, the newest first, and whether anybody changed the record of it. */
export function Audit({ session }: ScreenProps) {
  const { answer } = useLive();
  const [trail, setTrail] = useState<AuditTrail>();
  const [failure, setFailure] = useState<Failure>();
  const [isWhole, setWhole] = useState(false);
  const look = async (): Promise<void> => {
    setFailure(undefined);
    try {
      setTrail(await ask<AuditTrail>('/api/audit'));
    } catch (error) {
      setFailure(failureOf(error));
    }
  };
  // With every look at the project: what others do shows as soon.
  useEffect(() => void look(), [answer?.status.at]);
  const shown: Shown = { now: new Date(answer?.status.at ?? Date.now()), timeZone: session.project.timeZone };
  const entries = trail === undefined ? [] : [...trail.entries].reverse();
  return (
    <>
      <div class="page">
        <div>
          <h1>Audit trail</h1>
          <p class="meta">Every sign-in and every action, written down before it was done</p>
        </div>
      </div>
      {failure === undefined ? null : <Failed failure={failure} again={() => void look()} />}
      {trail === undefined ? failure === undefined ? <Loading what="the audit trail" /> : null : <Soundness trail={trail} />}
      {trail === undefined ? null : entries.length === 0 ? (
        <Empty title="Nothing has been done yet">
          <p class="meta">The first sign-in begins the trail.</p>
        </Empty>
      ) : (
        <div class="stackv">
          <RunsPanel session={session} shown={shown} />
          <Panel id="trail" title="Entries" aside={counted(entries.length, 'entry', 'entries')}>
            <Entries entries={isWhole ? entries : entries.slice(0, FIRST)} shown={shown} />
            {isWhole || entries.length <= FIRST ? null : (
              <p class="note">
                <button type="button" class="btn" onClick={() => setWhole(true)}>
                  Show {entries.length - FIRST} older ones
                </button>
              </p>
            )}
          </Panel>
        </div>
      )}
    </>
  );
}

function Soundness({ trail: { broken } }: { readonly trail: AuditTrail }) {
  if (broken.length === 0) return null;
  const lines = broken.slice(0, 5).join(', ');
  return (
    <p class="stale" role="alert">
      <Status kind="bad">The trail was changed</Status> {counted(broken.length, 'line does', 'lines do')} not follow from the one before:{' '}
      {lines}
      {broken.length > 5 ? ' …' : ''}
    </p>
  );
}

function Entries({ entries, shown }: { readonly entries: readonly AuditEntry[]; readonly shown: Shown }) {
  return (
    <table class="stackt">
      <thead>
        <tr>
          <th>Time</th>
          <th>Who</th>
          <th>What</th>
          <th>Cluster</th>
          <th>From</th>
          <th>Outcome</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => {
          const [kind, word] = OUTCOMES[entry.outcome];
          return (
            <tr key={`${entry.id} ${entry.outcome}`}>
              <td class="nowrap">{moment(entry.at, shown, true)}</td>
              <td>{entry.who}</td>
              <td>
                <code>{entry.what}</code>
                {entry.detail === null ? null : <span class="meta"> {entry.detail}</span>}
              </td>
              <td class={entry.cluster === null ? 'hide-s' : undefined}>{entry.cluster ?? '–'}</td>
              <td>{entry.from}</td>
              <td>
                <Status kind={kind}>{word}</Status>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
