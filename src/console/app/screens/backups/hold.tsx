import { useState } from 'preact/hooks';
import type { Session } from '../../api.ts';
import { Act } from '../../parts/act.tsx';
import type { Backup } from './documents.ts';

interface HoldProps {
  readonly session: Session;
  readonly cluster: string;
  readonly repository: string;
  readonly backup: Backup;
  readonly onEnd: () => void;
}

/** Keeps a backup whatever retention says, with a reason; or lets go of it again. */
export function Hold({ session, cluster, repository, backup, onEnd }: HoldProps) {
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const [until, setUntil] = useState('');
  const { label, holds } = backup;
  const place = { cluster, repository, label };
  if (holds.length > 0)
    return (
      <Act
        session={session}
        action="backups/release"
        parameters={place}
        label="Release"
        note="Ends all holds of it: from then on retention decides."
        onEnd={onEnd}
      />
    );
  if (!isOpen)
    return (
      <button type="button" class="btn" disabled={session.role !== 'operator'} aria-expanded={false} onClick={() => setOpen(true)}>
        Hold
      </button>
    );
  return (
    <span class="hold">
      <label class="field">
        Why it has to stay
        <input type="text" value={reason} maxLength={200} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
      </label>
      <label class="field">
        Until (a time, or 90d; empty: until released)
        <input type="text" value={until} maxLength={40} onInput={({ currentTarget }) => setUntil(currentTarget.value)} />
      </label>
      <span class="bar">
        {reason.trim() === '' ? (
          <button type="button" class="btn" disabled>
            Hold…
          </button>
        ) : (
          <Act
            session={session}
            action="backups/hold"
            parameters={{ ...place, reason: reason.trim(), until: until.trim() }}
            label="Hold"
            onEnd={({ state }) => {
              setOpen(state !== 'done');
              onEnd();
            }}
          />
        )}
        <button type="button" class="btn" onClick={() => setOpen(false)}>
          Cancel
        </button>
      </span>
    </span>
  );
}
