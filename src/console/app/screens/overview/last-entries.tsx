import { useEffect, useState } from 'preact/hooks';
import { ask, failureOf, type AuditTrail, type Failure } from '../../api.ts';
import { Panel } from '../../parts/panel.tsx';
import { Failed } from '../../parts/states.tsx';
import type { Shown } from '../../words.ts';
import { AuditTable, Soundness } from '../audit/audit-table.tsx';

const LAST = 6;

/** What was done through this console last. */
export function LastEntries({ shown }: { readonly shown: Shown }) {
  const [trail, setTrail] = useState<AuditTrail>();
  const [failure, setFailure] = useState<Failure>();
  useEffect(() => {
    ask<AuditTrail>(`/api/audit?last=${LAST}`).then(
      (found) => {
        setTrail(found);
        setFailure(undefined);
      },
      (error: unknown) => setFailure(failureOf(error)),
    );
  }, [shown.now.getTime()]);
  if (failure !== undefined && trail === undefined) {
    return (
      <Panel id="last" title="Audit trail">
        <Failed failure={failure} />
      </Panel>
    );
  }
  if (trail === undefined) return null;
  return (
    <Panel
      id="last"
      title="Audit trail"
      aside={
        <>
          the last {trail.entries.length} of {trail.total} · <a href="/audit">All of it</a>
        </>
      }
    >
      <Soundness trail={trail} />
      <AuditTable entries={trail.entries.toReversed()} shown={shown} />
    </Panel>
  );
}
