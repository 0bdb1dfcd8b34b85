import { useState } from 'preact/hooks';
import type { Session } from '../../api.ts';
import { Act } from '../../parts/act.tsx';
import { TypedField } from '../../parts/typed-field.tsx';
import type { Backup } from './documents.ts';
import { parseUntil } from './hold-until.ts';
import { stamp } from './zoned-time.ts';

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
  const { timeZone } = session.project;
  const parsed = until.trim() === '' ? undefined : parseUntil(until, timeZone, Date.now());
  // With its offset, so that the command means what was read here; a span stays one.
  const words = parsed?.kind === 'moment' && /^\s*\d{4}-/.test(until) ? stamp(parsed.atMs, timeZone) : until.trim();
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
    <div class="hold">
      <label class="field">
        Why it has to stay
        <input type="text" value={reason} maxLength={200} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
      </label>
      <TypedField
        label="Until (a time, or 90d; empty: no end)"
        value={until}
        problem={parsed?.kind === 'refused' ? parsed.why : undefined}
        onType={setUntil}
      />
      <span class="bar">
        <Act
          session={session}
          action="backups/hold"
          parameters={{ ...place, reason: reason.trim(), until: words }}
          label="Hold"
          isReady={reason.trim() !== '' && parsed?.kind !== 'refused'}
          onEnd={({ state }) => {
            setOpen(state !== 'done');
            onEnd();
          }}
        />
        <button type="button" class="btn" onClick={() => setOpen(false)}>
          Cancel
        </button>
      </span>
    </div>
  );
}
