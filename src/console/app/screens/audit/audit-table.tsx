import type { AuditEntry, AuditTrail } from '../../api.ts';
import { Status } from '../../parts/panel.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import { OUTCOMES } from './audit-filter.ts';

const MOST_NAMED = 5;

/** Says so when somebody changed the record. */
export function Soundness({ trail: { broken } }: { readonly trail: Pick<AuditTrail, 'broken'> }) {
  if (broken.length === 0) return null;
  return (
    <p class="stale" role="alert">
      <Status kind="bad">The trail was changed</Status> {counted(broken.length, 'line does', 'lines do')} not follow from the one before:
      line {broken.slice(0, MOST_NAMED).join(', ')}
      {broken.length > MOST_NAMED ? ' …' : ''}. What stands after the first of them may not be all that was done.
    </p>
  );
}

/** Entries, as they are given. */
export function AuditTable({ entries, shown }: { readonly entries: readonly AuditEntry[]; readonly shown: Shown }) {
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
            <tr key={`${entry.id} ${entry.outcome} ${entry.at}`}>
              <td class="nowrap">{moment(entry.at, shown, true)}</td>
              <td class="nowrap">{entry.who}</td>
              <td>
                <code>{entry.what}</code>
                {entry.detail === null ? null : <span class="meta"> {entry.detail}</span>}
              </td>
              <td class={entry.cluster === null ? 'hide-s' : undefined}>{entry.cluster ?? '–'}</td>
              <td class="nowrap">{entry.from}</td>
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
