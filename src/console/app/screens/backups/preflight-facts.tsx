import { Fragment } from 'preact';
import { formatBytes } from '../../../../base/bytes.ts';
import { formatDuration } from '../../../../base/durations.ts';
import { Status } from '../../parts/panel.tsx';
import { counted } from '../../words.ts';
import type { Preflight } from './documents.ts';
import { WalSegments } from './wal-segments.tsx';
import { stamp } from './zoned-time.ts';

interface PreflightFactsProps {
  readonly plan: Preflight;
  readonly atMs: number;
  readonly nowMs: number;
  readonly segmentBytes: number;
  readonly timeZone: string;
}

/** What would be laid down and replayed, what that takes, and what it costs. */
export function PreflightFacts({ plan, atMs, nowMs, segmentBytes, timeZone }: PreflightFactsProps) {
  const { expected, end } = plan;
  const needs = plan.totalBytes + plan.walBytes;
  return (
    <dl class="facts c6">
      <dt>Recovery target</dt>
      <dd>
        {end.kind === 'lsn' ? (
          <>
            LSN <code>{end.lsn}</code>, {end.inclusive ? 'inclusive' : 'exclusive'},{' '}
          </>
        ) : end.kind === 'immediate' ? (
          'the end of the backup, '
        ) : (
          'the end of the WAL, '
        )}
        timeline {plan.timeline}
      </dd>
      <dt>Backup</dt>
      <dd>
        <code>{plan.backup}</code>, {formatBytes(plan.totalBytes)}, restores on its own
        <br />
        <Status kind={plan.proof.startsWith('proven') ? 'ok' : ['damaged', 'suspect', 'wrong'].includes(plan.proof) ? 'bad' : 'unproven'}>
          {plan.proof}
        </Status>
      </dd>
      <dt>WAL</dt>
      <dd>
        <WalSegments fromLsn={plan.neededFrom} toLsn={plan.neededUntil} timeline={plan.timeline} segmentBytes={segmentBytes} />
      </dd>
      <dt>Expected time</dt>
      <dd>
        {expected === null ? (
          <>
            <b>not known</b> <span class="meta">until a drill has measured one</span>
          </>
        ) : (
          <>
            <b>{formatDuration(expected.spanMs)}</b>{' '}
            <span class="meta">
              drill of {stamp(Date.parse(expected.drilledAt), timeZone)}: {expected.because}
            </span>
          </>
        )}
      </dd>
      <dt>Space</dt>
      <dd>
        {formatBytes(needs)} needed, {formatBytes(plan.freeBytes)} free in <code>{plan.dataDirectory.replace(/\/[^/]*$/, '')}</code>
      </dd>
      <dt>Lost against now</dt>
      <dd>
        {lost(plan, atMs, nowMs)}
        {plan.after === null ? null : <span class="meta">, the first of it at {stamp(Date.parse(plan.after.time), timeZone)}</span>}
      </dd>
      {plan.left.map(({ timeline, commits, from, to }) => (
        <Fragment key={timeline}>
          <dt>Not with it</dt>
          <dd>
            <b>{counted(commits, 'commit')}</b> up to then on timeline {timeline}{' '}
            <span class="meta">
              {commits === 1 ? 'at' : `${stamp(Date.parse(from), timeZone)} to`} {stamp(Date.parse(to), timeZone)}
            </span>
          </dd>
        </Fragment>
      ))}
      <dt>Clone</dt>
      <dd>127.0.0.1:{plan.port}, archives nothing, follows nobody, no subscriptions, no jobs</dd>
      <dt>Comes back</dt>
      <dd>
        {plan.returning.length === 0
          ? 'nothing that was taken away since'
          : counted(plan.returning.length, 'thing that was taken away since', 'things that were taken away since')}
      </dd>
    </dl>
  );
}

function lost({ after }: Preflight, atMs: number, nowMs: number): string {
  const spanMs = Math.max(0, nowMs - atMs);
  return after === null ? `nothing that is stored, ${formatDuration(spanMs)} ago` : `everything of the last ${formatDuration(spanMs)}`;
}
