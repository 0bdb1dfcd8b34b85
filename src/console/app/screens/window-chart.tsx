import type { Lineage } from '../api.ts';
import { Twin } from '../parts/figures.tsx';
import { axisLabel, moment, type Shown } from '../words.ts';

const LEAST_GAP = 4;
const STEPS = [0, 25, 50, 75, 100];

interface WindowChartProps {
  readonly cluster: string;
  readonly lineage: Lineage;
  readonly shown: Shown;
}

/** The moments that can be restored as a band up to now, with what is missing and the last drills on it. */
export function WindowChart({ cluster, lineage, shown }: WindowChartProps) {
  const first = lineage.stretches[0];
  if (first === undefined) return null;
  const from = new Date(first.from).getTime();
  const spanMs = Math.max(60_000, shown.now.getTime() - from);
  const at = (iso: string): number => Math.min(100, Math.max(0, ((new Date(iso).getTime() - from) / spanMs) * 100));
  // One whose end nothing tells is drawn as its beginning: no more is known.
  const bands = lineage.stretches.map(({ from: start, to }) => ({ start, to: to ?? start }));
  const proven = lineage.drillPassedAt;
  const label = `Restorable ${bands.map(({ start, to }) => `from ${moment(start, shown, true)} to ${moment(to, shown, true)}`).join(', then ')}`;
  return (
    <div>
      <svg class="fluid window" height="44" role="img" aria-label={label}>
        {STEPS.map((step) => (
          <line key={step} class="grid" x1={`${step}%`} x2={`${step}%`} y1="4" y2="24" />
        ))}
        {lineage.isCut ? <Gap from={at(bands.at(-1)?.to ?? first.from)} to={100} /> : null}
        {bands.map(({ start, to }) => (
          <Band key={start} from={at(start)} to={at(to)} proven={proven === null ? undefined : at(proven)} />
        ))}
        {bands.slice(1).map(({ start }, index) => {
          const before = bands[index];
          return before === undefined ? null : <Gap key={start} from={at(before.to)} to={at(start)} />;
        })}
        {lineage.drill === null || new Date(lineage.drill.at).getTime() < from ? null : (
          <DrillMark at={at(lineage.drill.at)} verdict={lineage.drill.verdict} title={`Drill of ${moment(lineage.drill.at, shown)}`} />
        )}
        <text x="0" y="40">
          {axisLabel(new Date(from), spanMs, shown.timeZone)}
        </text>
        <text x="50%" y="40" text-anchor="middle">
          {axisLabel(new Date(from + spanMs / 2), spanMs, shown.timeZone)}
        </text>
        <text x="100%" y="40" text-anchor="end">
          now
        </text>
      </svg>
      <WindowTwin cluster={cluster} lineage={lineage} shown={shown} />
    </div>
  );
}

/** What the drawing shows, in its order. */
function WindowTwin({ cluster, lineage, shown }: WindowChartProps) {
  const { stretches, isCut, drill, drillPassedAt } = lineage;
  const rows = stretches.flatMap(({ from, to }, index): (readonly string[])[] => {
    const next = stretches[index + 1];
    const end = to ?? from;
    const until = next === undefined ? (isCut ? 'now' : undefined) : moment(next.from, shown, true);
    return [
      ['restorable', moment(from, shown, true), to === null ? 'not known' : moment(to, shown, true)],
      ...(until === undefined ? [] : [['not restorable: a gap', moment(end, shown, true), until]]),
    ];
  });
  const drills = [
    ...(drill === null ? [] : [[`drill ${drill.verdict.replace('-', ' ')}`, moment(drill.at, shown, true), '']]),
    ...(drillPassedAt === null ? [] : [['proven up to', moment(drillPassedAt, shown, true), '']]),
  ];
  const columns = [{ head: 'What' }, { head: 'From' }, { head: 'To' }];
  return <Twin title={`Restorable moments of ${cluster}`} columns={columns} rows={[...rows, ...drills]} />;
}

/** Up to the last drill that passed it is full; what came after nobody has proven. */
function Band({ from, to, proven }: { readonly from: number; readonly to: number; readonly proven: number | undefined }) {
  const until = proven === undefined ? from : Math.min(to, Math.max(from, proven));
  return (
    <>
      {until > from ? <rect class="cover" x={`${from}%`} width={`${until - from}%`} y="8" height="12" /> : null}
      {to > until || until <= from ? (
        <rect class="cover un" x={`${until}%`} width={`${Math.max(1.5, to - until)}%`} y="8" height="12" />
      ) : null}
    </>
  );
}

/** Never too narrow to be seen. */
function Gap({ from, to }: { readonly from: number; readonly to: number }) {
  return (
    <>
      <rect class="gap" x={`${from}%`} width={`${Math.max(0, to - from)}%`} y="6" height="16" />
      <svg x={`${from}%`} overflow="visible">
        <rect class="gap" x="0" y="6" width={LEAST_GAP} height="16" />
      </svg>
    </>
  );
}

/** The shape of a drill, around its middle; the same in the drawing and beside it. */
export function DrillShape({ passed }: { readonly passed: boolean }) {
  return passed ? (
    <>
      <circle class="m-ok" r="6.5" />
      <path class="m-tick" d="M-3 0 -.8 2.4 3.2-2.2" />
    </>
  ) : (
    <>
      <path class="m-bad" d="M0-7 7 0 0 7-7 0Z" />
      <path class="m-tick" d="M-2.4-2.4 2.4 2.4M2.4-2.4-2.4 2.4" />
    </>
  );
}

function DrillMark({
  at,
  verdict,
  title,
}: {
  readonly at: number;
  readonly verdict: 'passed' | 'failed' | 'proved-nothing';
  readonly title: string;
}) {
  return (
    <svg x={`${at}%`} y="14" overflow="visible">
      <title>{`${title}: ${verdict.replace('-', ' ')}`}</title>
      <DrillShape passed={verdict === 'passed'} />
    </svg>
  );
}
