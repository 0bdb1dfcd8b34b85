import { formatDuration } from '../../../../base/durations.ts';
import { Status } from '../../parts/panel.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import type { PlanDocument, StatusDocument } from './documents.ts';

interface FiguresProps {
  readonly status: StatusDocument;
  readonly plan: PlanDocument | undefined;
  readonly limitMs: number;
  readonly shown: Shown;
}

/** The figures a decision rests on. What is not known yet is left out, not shown as nought. */
export function Figures({ status, plan, limitMs, shown }: FiguresProps) {
  const { counts, migrations, problems } = status;
  const last = migrations
    .flatMap(({ appliedAt }) => appliedAt ?? [])
    .toSorted()
    .at(-1);
  const wrong = counts.changed + counts.missing;
  const expected = plan === undefined ? undefined : expectedMs(plan);
  return (
    <dl class="figs">
      <div>
        <dt>Applied</dt>
        <dd>
          {counts.applied} <small>{last === undefined ? 'none yet' : `last ${moment(last, shown, true)}`}</small>
        </dd>
      </div>
      <div>
        <dt>Pending</dt>
        <dd>
          {counts.pending} <small>and {counted(counts.routines, 'routine')}</small>
        </dd>
      </div>
      <div>
        <dt>Changed or missing</dt>
        <dd>
          {wrong}{' '}
          <small>
            {problems.length === 0 ? (
              <Status kind="ok">in order</Status>
            ) : (
              <Status kind="bad">{counted(problems.length, 'problem')}</Status>
            )}
          </small>
        </dd>
      </div>
      {plan?.forecast == null ? null : <LongestBlock forecast={plan.forecast} limitMs={limitMs} shown={shown} />}
      {expected === undefined ? null : (
        <div>
          <dt>Expected time</dt>
          <dd>
            {formatDuration(expected)} <small>as the rehearsal took</small>
          </dd>
        </div>
      )}
      {plan === undefined || plan.forecast === null ? null : <Backup backup={plan.backup} shown={shown} />}
    </dl>
  );
}

/** Only when each statement was measured: half a sum is no sum. */
function expectedMs({ versioned }: PlanDocument): number | undefined {
  const times = versioned.flatMap(({ statements }) => statements.filter(({ done }) => !done).map((each) => each.expectedMs));
  return times.length === 0 || times.includes(null) ? undefined : times.reduce<number>((sum, each) => sum + (each ?? 0), 0);
}

function LongestBlock({
  forecast,
  limitMs,
  shown,
}: {
  readonly forecast: NonNullable<PlanDocument['forecast']>;
  readonly limitMs: number;
  readonly shown: Shown;
}) {
  const { longestMs, rehearsedAt, source, blocks } = forecast;
  const isOver = longestMs !== null && longestMs > limitMs;
  return (
    <div>
      <dt>Longest block</dt>
      <dd>
        {longestMs === null ? (blocks.length === 0 ? 'none' : 'not known') : formatDuration(longestMs)}{' '}
        <small>
          {longestMs === null ? (
            <Status kind="unproven">{source === 'locks' ? 'by locks, not rehearsed' : 'not rehearsed'}</Status>
          ) : (
            <Status kind={isOver ? 'bad' : 'ok'}>
              {isOver ? 'over' : 'within'} the limit of {formatDuration(limitMs)}
            </Status>
          )}
          {rehearsedAt === null ? null : ` rehearsed ${moment(rehearsedAt, shown)}`}
        </small>
      </dd>
    </div>
  );
}

function Backup({ backup, shown }: { readonly backup: PlanDocument['backup']; readonly shown: Shown }) {
  if (backup === null) {
    return (
      <div>
        <dt>Newest backup</dt>
        <dd>
          none{' '}
          <small>
            <Status kind="bad">nothing to fall back to</Status>
          </small>
        </dd>
      </div>
    );
  }
  const ageMs = Math.max(0, shown.now.getTime() - new Date(backup.at).getTime());
  return (
    <div>
      <dt>Newest backup</dt>
      <dd>
        {formatDuration(ageMs)}{' '}
        <small>
          {backup.provenAt === null ? (
            <Status kind="unproven">no drill has proven one</Status>
          ) : (
            <Status kind="ok">proven {moment(backup.provenAt, shown)}</Status>
          )}
        </small>
      </dd>
    </div>
  );
}
