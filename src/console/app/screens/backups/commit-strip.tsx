import { useRef } from 'preact/hooks';
import { useAnswer } from '../../answer.ts';
import { Twin } from '../../parts/figures.tsx';
import { counted } from '../../words.ts';
import { binCommits } from './commits.ts';
import type { Commit, Found, Preflight } from './documents.ts';
import { useWidth } from './use-width.ts';
import { stamp } from './zoned-time.ts';

const EITHER_SIDE_MS = 30_000;
const HEIGHT = 64;

interface CommitStripProps {
  readonly cluster: string;
  readonly repository: string;
  readonly timeline: number | undefined;
  readonly atMs: number;
  readonly plan: Preflight;
  readonly timeZone: string;
}

/** By the second in which they fell, those without one left out. */
function CommitTwin({ times, atMs, timeZone }: { readonly times: readonly number[]; readonly atMs: number; readonly timeZone: string }) {
  const counts = new Map<string, number>();
  for (const time of times) {
    const key = `${Math.floor(time / 1000) * 1000} ${time <= atMs ? 'comes back' : 'does not'}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const rows = [...counts].map(([key, count]) => {
    const [second = '', ...words] = key.split(' ');
    return [clock(Number(second), timeZone), count, words.join(' ')];
  });
  const columns = [{ head: 'Second' }, { head: 'Commits', isNumber: true }, { head: 'At that moment' }];
  return <Twin title="Commits around the moment" columns={columns} rows={rows} />;
}

/** What was committed around the moment: left of it comes back, right of it does not. */
export function CommitStrip({ cluster, repository, timeline, atMs, plan, timeZone }: CommitStripProps) {
  const place = useRef<HTMLElement>(null);
  const width = useWidth(place);
  const [fromMs, toMs] = [atMs - EITHER_SIDE_MS, atMs + EITHER_SIDE_MS];
  const { answer, isLoading } = useAnswer<Found>('backups/commits', {
    cluster,
    repository,
    timeline: timeline === undefined ? undefined : String(timeline),
    from: new Date(fromMs).toISOString(),
    until: new Date(toMs).toISOString(),
  });
  const times = (answer?.document.found ?? []).map(({ time }) => Date.parse(time));
  const bins = Math.max(12, Math.min(60, Math.floor(width / 9)));
  const counts = binCommits(times, fromMs, toMs, bins);
  const most = Math.max(1, ...counts);
  const before = times.filter((time) => time <= atMs).length;
  const label =
    answer === undefined
      ? 'Commits around the moment: looking'
      : `${counted(before, 'commit')} in the 30 seconds before the moment come back, ${counted(times.length - before, 'commit')} in the 30 seconds after do not`;
  return (
    <figure class="commits" ref={place}>
      <figcaption class="meta">
        Commits 30 s either side{answer !== undefined && answer.document.more > 0 ? `, and ${answer.document.more} more` : ''}
        {isLoading && answer === undefined ? ', looking' : ''}
      </figcaption>
      <svg class="lanes" width={width} height={HEIGHT} role="img" aria-label={label}>
        <path class="grid" d={`M0 ${HEIGHT - 16}H${width}`} />
        {(['back', 'gone'] as const).map((side) => (
          <path
            key={side}
            class={side}
            d={counts
              .map((count, bin) => {
                const high = (count / most) * (HEIGHT - 20);
                const isBack = bin < bins / 2;
                if (count === 0 || isBack !== (side === 'back')) return '';
                const wide = width / bins - 1;
                return `M${((bin * width) / bins).toFixed(1)} ${HEIGHT - 16}v-${high.toFixed(1)}h${wide.toFixed(1)}v${high.toFixed(1)}z`;
              })
              .join('')}
          />
        ))}
        <path class="at" d={`M${width / 2} 0V${HEIGHT - 14}`} />
        <text x="0" y={HEIGHT - 3}>
          {clock(fromMs, timeZone)}
        </text>
        <text class="on" x={width / 2} y={HEIGHT - 3} text-anchor="middle">
          {clock(atMs, timeZone)}
        </text>
        <text x={width} y={HEIGHT - 3} text-anchor="end">
          {clock(toMs, timeZone)}
        </text>
      </svg>
      <div class="bar sides">
        <span>
          comes back: <b>{plan.before === null ? 'what the backup holds' : `everything up to ${describe(plan.before, timeZone)}`}</b>
        </span>
        <span>
          does not: <b>{plan.after === null ? 'no later commit is stored' : `from ${describe(plan.after, timeZone)}`}</b>
        </span>
      </div>
      {times.length === 0 ? null : <CommitTwin times={times} atMs={atMs} timeZone={timeZone} />}
    </figure>
  );
}

function clock(atMs: number, timeZone: string): string {
  return stamp(Math.floor(atMs / 1000) * 1000, timeZone).slice(11, 19);
}

function describe(commit: Commit, timeZone: string): string {
  return `${stamp(Date.parse(commit.time), timeZone)}, xid ${commit.xid}`;
}
