import { formatBytes } from '../../../../base/bytes.ts';
import { formatDuration } from '../../../../base/durations.ts';
import type { Preflight } from './documents.ts';
import { stamp } from './zoned-time.ts';

/** What the review of a restore says: the plan of `restore --dry-run`, made anew when the dialog opened. */
export function RestoreReview({ preflight, timeZone }: { readonly preflight: Preflight; readonly timeZone: string }) {
  const { expected, before } = preflight;
  return (
    <div class="stackv tight">
      <p>
        A clone beside everything that runs: it listens on 127.0.0.1:{preflight.port} only, archives nothing, follows nobody and runs no
        jobs. The cluster itself is not touched.
      </p>
      <dl class="facts">
        <dt>Into</dt>
        <dd>
          <code>{preflight.dataDirectory}</code>, {formatBytes(preflight.totalBytes + preflight.walBytes)} of{' '}
          {formatBytes(preflight.freeBytes)} free
        </dd>
        <dt>From</dt>
        <dd>
          <code>{preflight.backup}</code>, {preflight.proof}, and WAL up to <code>{preflight.neededUntil}</code>
        </dd>
        <dt>Last commit in it</dt>
        <dd>{before === null ? 'none after the backup' : `${stamp(Date.parse(before.time), timeZone)}, xid ${before.xid}`}</dd>
        <dt>Takes about</dt>
        <dd>{expected === null ? 'not known: no drill has measured it' : formatDuration(expected.spanMs)}</dd>
        {preflight.returning.length === 0 ? null : (
          <>
            <dt>Comes back</dt>
            <dd>{preflight.returning.map(({ text }) => text).join(', ')}</dd>
          </>
        )}
      </dl>
    </div>
  );
}
