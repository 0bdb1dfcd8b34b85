import { useState } from 'preact/hooks';
import type { Session } from '../../api.ts';
import { Act } from '../../parts/act.tsx';
import { Command } from '../../parts/command.tsx';
import type { Preflight, RestorePlan } from './documents.ts';
import { RestoreReview } from './restore-review.tsx';
import { restoreCommand, restoreParameters, type Restore } from './restore-words.ts';

interface RestoreActionsProps {
  readonly session: Session;
  readonly restore: Restore;
  readonly returning: Preflight['returning'];
  readonly onInto: (into: string) => void;
  readonly onReconcile: (reconcile: boolean) => void;
  readonly onDrilled: () => void;
}

const SHOWN = 8;

/** What comes back with it, the command, and what can be done from here. */
export function RestoreActions({ session, restore, returning, onInto, onReconcile, onDrilled }: RestoreActionsProps) {
  const { timeZone } = session.project;
  const [typed, setTyped] = useState<string>();
  const { cluster, repository, atMs } = restore;
  return (
    <div class="c6 stackv tight">
      {returning.length === 0 ? null : (
        <div>
          <h3>Comes back with it</h3>
          <ul class="small">
            {returning.slice(0, SHOWN).map(({ text, at }) => (
              <li key={`${text} ${at}`}>{text}</li>
            ))}
            {returning.length > SHOWN ? <li class="meta">and {returning.length - SHOWN} more</li> : null}
          </ul>
        </div>
      )}
      <label class="check">
        <input type="checkbox" checked={restore.reconcile} onChange={({ currentTarget }) => onReconcile(currentTarget.checked)} />
        <span>
          Take away again what came back, before anyone can connect: <code>--reconcile</code>
        </span>
      </label>
      <label class="field">
        Directory for the clone, on the machine of this console
        <input
          type="text"
          spellcheck={false}
          autocomplete="off"
          value={typed ?? restore.into}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          onChange={({ currentTarget }) => {
            setTyped(undefined);
            onInto(currentTarget.value.trim());
          }}
        />
      </label>
      <Command text={restoreCommand(restore, timeZone)} />
      <div class="bar end">
        <Act
          session={session}
          action="backups/drill"
          parameters={{ cluster, repository, to: new Date(atMs).toISOString() }}
          label="Drill this moment"
          note="Restores into a scratch directory, looks whether it is what was promised, and removes it again. Needs room for the whole database."
          onEnd={onDrilled}
        />
        <Act<RestorePlan>
          session={session}
          isPrimary
          action="backups/restore"
          parameters={{ ...restoreParameters(restore), into: restore.into, ...(restore.reconcile ? { reconcile: 'yes' } : {}) }}
          label="Restore into a scratch cluster"
          review={(plan) => <RestoreReview preflight={plan.preflight} timeZone={timeZone} />}
          note="Its last lines say how to connect to the clone, and how to throw it away."
        />
      </div>
    </div>
  );
}
