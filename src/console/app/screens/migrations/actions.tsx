import type { Session } from '../../api.ts';
import { useState } from 'preact/hooks';
import { Act } from '../../parts/act.tsx';
import { Status } from '../../parts/panel.tsx';
import { counted } from '../../words.ts';
import type { PlanDocument, RehearsalDocument } from './documents.ts';

interface ActionProps {
  readonly session: Session;
  readonly cluster: string;
  readonly limit: string;
  readonly onEnd: () => void;
}

/** Applies what is pending, from a plan that is saved for it: if anything moves meanwhile, it is refused. */
export function UpAction({
  session,
  cluster,
  counts: { pending, routines },
  isPending,
  onEnd,
}: ActionProps & {
  /** What was pending when anything last was. */
  readonly counts: { readonly pending: number; readonly routines: number };
  readonly isPending: boolean;
}) {
  const what = pending > 0 ? counted(pending, 'migration') : counted(routines, 'routine');
  return (
    <Act<PlanDocument>
      session={session}
      action="migrations/up"
      parameters={{ cluster }}
      label={`Apply ${what}`}
      isPrimary={isPending}
      review={(plan) => <UpReview plan={plan} />}
      isNeeded={({ versioned, routines: changed }) => versioned.length + changed.length > 0}
      note="Applies exactly this plan: when files, history, server or a table it locks are no longer as they were, it is refused and says what moved."
      onEnd={onEnd}
    />
  );
}

function UpReview({ plan }: { readonly plan: PlanDocument }) {
  const { versioned, routines, forecast, findings, restorePoint, database, backup } = plan;
  const grave = findings.filter(({ severity }) => severity !== 'notice');
  if (versioned.length + routines.length === 0) return <p>Nothing is pending in {database} any more.</p>;
  return (
    <>
      {forecast === null ? null : <p class="say">{forecast.sentence}</p>}
      <ol class="plain">
        {restorePoint === null ? null : (
          <li>
            {'name' in restorePoint ? (
              <>
                Sets the restore point <code>{restorePoint.name}</code>
              </>
            ) : (
              restorePoint.obstacle
            )}
          </li>
        )}
        {versioned.map(({ version, file, transaction, statements }) => (
          <li key={version}>
            Runs <code>{file}</code>: {counted(statements.length, 'statement')}
            {transaction ? ' in one transaction' : ', each on its own'}
          </li>
        ))}
        {routines.map(({ name, change }) => (
          <li key={name}>
            Replaces routine <code>{name}</code>, {change}
          </li>
        ))}
      </ol>
      {grave.map(({ rule, file, line, message, severity }) => (
        <p key={`${file} ${line} ${rule}`}>
          <Status kind={severity === 'error' ? 'bad' : 'warn'}>{`${file}:${line} ${rule}: ${message}`}</Status>
        </p>
      ))}
      {backup === null ? (
        <p>
          <Status kind="bad">There is no backup to fall back to</Status>
        </p>
      ) : null}
    </>
  );
}

/** Runs what is pending on a clone that is restored for it and thrown away. */
export function RehearseAction({ session, cluster, limit, onEnd }: ActionProps) {
  const [isNewest, setNewest] = useState(false);
  return (
    <>
      <label class="check">
        <input type="checkbox" checked={isNewest} onChange={({ currentTarget }) => setNewest(currentTarget.checked)} /> with the newest WAL
      </label>
      <Act<RehearsalDocument>
        session={session}
        action="migrations/rehearse"
        parameters={{ cluster, limit, to: isNewest ? 'now' : undefined }}
        label="Rehearse"
        note={`Restores a backup into a scratch directory of the machine the console runs on, and runs the pending files there; the cluster itself is not touched. Longer than ${limit} for anybody counts as over the limit.`}
        onEnd={onEnd}
      />
    </>
  );
}
