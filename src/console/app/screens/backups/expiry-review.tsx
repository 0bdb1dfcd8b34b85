import { formatBytes } from '../../../../base/bytes.ts';
import { Status } from '../../parts/panel.tsx';
import { sentence } from '../../parts/states.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import type { Expiry, ExpiryOf, Verdict } from './documents.ts';

const SHOWN = 200;

/** What goes and why each of the others stays, in each repository: the plan of `backup expire`. */
export function ExpiryReview({ repositories, shown }: Pick<Expiry, 'repositories'> & { readonly shown: Shown }) {
  return (
    <div class="stackv tight">
      {repositories.map((of) => (
        <InOne key={of.repository} of={of} shown={shown} />
      ))}
    </div>
  );
}

function InOne({ of, shown }: { readonly of: ExpiryOf; readonly shown: Shown }) {
  const verdicts = [...(of.backups ?? []), ...(of.dumps ?? [])];
  const going = verdicts.filter(({ stays, lockedUntil }) => !stays && lockedUntil === null);
  const staying = verdicts.filter(({ stays, lockedUntil }) => stays || lockedUntil !== null);
  if (of.error !== undefined)
    return (
      <p>
        <Status kind="bad">{of.repository}</Status> {sentence(of.error.message)}
      </p>
    );
  return (
    <section>
      <h3>
        {of.repository}: {going.length === 0 ? 'nothing goes' : counted(going.length, 'goes', 'go')},{' '}
        {counted(staying.length, 'stays', 'stay')}
      </h3>
      <p class="meta">
        WAL that no backup needs:{' '}
        {of.wal === undefined || of.wal.objects === 0 ? 'none' : `${counted(of.wal.objects, 'object')}, ${formatBytes(of.wal.bytes)}`}
      </p>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Backup</th>
              <th>Verdict</th>
              <th>Why</th>
            </tr>
          </thead>
          <tbody>
            {[...going, ...staying].slice(0, SHOWN).map((verdict) => (
              <Row key={verdict.label} verdict={verdict} shown={shown} />
            ))}
          </tbody>
        </table>
      </div>
      {verdicts.length > SHOWN ? <p class="meta">and {verdicts.length - SHOWN} more that stay or go by the same rules</p> : null}
    </section>
  );
}

function Row({ verdict, shown }: { readonly verdict: Verdict; readonly shown: Shown }) {
  return (
    <tr>
      <td>
        <code>{verdict.label}</code>
      </td>
      <td>
        {verdict.stays ? (
          <Status kind="ok">stays</Status>
        ) : verdict.lockedUntil === null ? (
          <Status kind="warn">goes</Status>
        ) : (
          <Status kind="off">locked</Status>
        )}
      </td>
      <td>
        {verdict.stays ? verdict.why.join(', ') : 'no rule keeps it'}
        {verdict.lockedUntil === null ? '' : `, the storage does until ${moment(verdict.lockedUntil, shown)}`}
      </td>
    </tr>
  );
}
