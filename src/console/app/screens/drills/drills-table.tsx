import { formatDuration } from '../../../../base/durations.ts';
import { Status } from '../../parts/panel.tsx';
import { moment, type Shown } from '../../words.ts';
import type { Drill, Verdict } from './documents.ts';
import { lengthOf, phaseSpans, type Phase } from './phases.ts';

export const VERDICTS: Readonly<Record<Verdict, readonly ['ok' | 'bad' | 'warn', string]>> = {
  passed: ['ok', 'passed'],
  failed: ['bad', 'failed'],
  'proved-nothing': ['warn', 'proved nothing'],
};

const PHASES: Readonly<Record<Phase, string>> = {
  plan: 'planning',
  restore: 'restore',
  recovery: 'recovery',
  rest: 'opening',
  checks: 'checks',
};

interface DrillsTableProps {
  readonly drills: readonly Drill[];
  readonly chosen: string | undefined;
  readonly shown: Shown;
}

/** Each drill with what it restored, how it ended, and its phases as one bar on a scale that all share. */
export function DrillsTable({ drills, chosen, shown }: DrillsTableProps) {
  const mostMs = Math.max(1, ...drills.map(({ times }) => (times === null ? 0 : lengthOf(times))));
  return (
    <>
      <table class="stackt drills">
        <thead>
          <tr>
            <th>Ended</th>
            <th>Verdict</th>
            <th>Restored</th>
            <th>To the moment</th>
            <th class="num">Back in</th>
            <th>Phases</th>
            <th>Checked</th>
            <th>Report</th>
          </tr>
        </thead>
        <tbody>
          {drills.map((drill) => (
            <Row key={drill.label} drill={drill} mostMs={mostMs} isChosen={drill.label === chosen} shown={shown} />
          ))}
        </tbody>
      </table>
      <p class="note legend">
        {(['plan', 'restore', 'recovery', 'rest', 'checks'] as const).map((phase) => (
          <span key={phase}>
            <i class={`key phase ${phase}`} /> {PHASES[phase]}
          </span>
        ))}
        <span>before the checks, the cluster would have been away</span>
      </p>
    </>
  );
}

function Row({
  drill,
  mostMs,
  isChosen,
  shown,
}: {
  readonly drill: Drill;
  readonly mostMs: number;
  readonly isChosen: boolean;
  readonly shown: Shown;
}) {
  const { label, verdict, backup, finishedAt, asked, times } = drill;
  const [kind, word] = VERDICTS[verdict];
  const query = new URLSearchParams(location.search);
  query.set('drill', label);
  return (
    <tr class={isChosen ? 'sel' : undefined}>
      <td class="nowrap">{moment(finishedAt, shown)}</td>
      <td>
        <Status kind={kind}>{word}</Status>
      </td>
      <td data-l="restored">{backup === null ? 'nothing' : <code>{backup}</code>}</td>
      <td class="nowrap" data-l="moment">
        {drill.moment === null ? (asked ?? '–') : moment(drill.moment, shown, true)}
      </td>
      <td class="num" data-l="back in">
        {times?.rtoMs == null ? '–' : formatDuration(times.rtoMs)}
      </td>
      <td class="phases">{times === null ? '–' : <Phases times={times} mostMs={mostMs} />}</td>
      <td data-l="checked">{checked(drill)}</td>
      <td>
        <a href={`/drills?${query.toString()}`} aria-current={isChosen ? 'true' : undefined} aria-label={`Report ${label}`}>
          report
        </a>
      </td>
    </tr>
  );
}

function Phases({ times, mostMs }: { readonly times: NonNullable<Drill['times']>; readonly mostMs: number }) {
  const spans = phaseSpans(times);
  const words = spans.map(({ phase, tookMs }) => `${PHASES[phase]} ${formatDuration(tookMs)}`).join(', ');
  return (
    <svg class="fluid" height="14" role="img" aria-label={words}>
      <title>{words}</title>
      {spans.map(({ phase, fromMs, tookMs }) => (
        <rect
          key={phase}
          class={`phase ${phase}`}
          x={`${(fromMs / mostMs) * 100}%`}
          width={`${Math.max(0.5, (tookMs / mostMs) * 100)}%`}
          y="1"
          height="12"
        />
      ))}
    </svg>
  );
}

function checked({ amcheck, assertions }: Drill): string {
  if (amcheck === null || assertions === null) return 'the report cannot be read';
  const words = { clean: 'amcheck clean', damaged: 'amcheck found damage', absent: 'no amcheck', 'not-run': 'no amcheck' }[amcheck];
  return assertions.asked === 0 ? words : `${words}, ${assertions.held} of ${assertions.asked} assertions`;
}
