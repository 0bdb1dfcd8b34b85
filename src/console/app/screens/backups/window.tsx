import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Session } from '../../api.ts';
import { useAnswer } from '../../answer.ts';
import { Panel } from '../../parts/panel.tsx';
import { useQuery } from '../../query.ts';
import type { Shown } from '../../words.ts';
import { BackupsTable } from './backups-table.tsx';
import { nearestRestorable } from './bands.ts';
import type { Backup, History, Info, Jobs, Ledger, WalStatus } from './documents.ts';
import { Legend } from './legend.tsx';
import { failedBackups, marksOf } from './marks.ts';
import { MomentsTable } from './moments-table.tsx';
import { usePerFrame } from './per-frame.ts';
import { Preflight } from './preflight.tsx';
import { PointsSearch, useRestorePoints } from './restore-points.tsx';
import { scratchDirectory } from './restore-words.ts';
import { useSettled } from './settled.ts';
import { StoredWal } from './stored-wal.tsx';
import { Timeline } from './timeline.tsx';
import { fitted, showing, type View } from './time-scale.ts';
import { firstMoment, boundsOf, jumpsTo, rangeOf, rowsOf, windowSentence } from './window-plan.ts';

interface WindowProps {
  readonly session: Session;
  readonly cluster: string;
  readonly repository: string;
  readonly info: Info;
  readonly askedAt: string;
  readonly backups: readonly Backup[];
  /** Something was done: what is shown is asked anew. */
  readonly onChanged: () => void;
}

const DAY_MS = 86_400_000;
const FIRST_SHOWN_MS = 16 * DAY_MS;
const RANGES: readonly (readonly [label: string, spanMs: number])[] = [
  ['1 h', 3_600_000],
  ['24 h', DAY_MS],
  ['16 days', FIRST_SHOWN_MS],
  ['1 year', 365 * DAY_MS],
  ['All', Infinity],
];
/** So long after the last move a moment is asked about. */
const RESTS_MS = 350;

/** The timeline with its moment, the preflight of that moment, the backups and the stored WAL. What is chosen stands in the address. */
export function Window({ session, cluster, repository, info, askedAt, backups, onChanged }: WindowProps) {
  const { timeZone } = session.project;
  const nowMs = Date.parse(askedAt);
  const shown: Shown = useMemo(() => ({ now: new Date(nowMs), timeZone }), [nowMs, timeZone]);
  const [query, setQuery] = useQuery();
  const along =
    info.timelines.find(({ timeline }) => String(timeline) === query['timeline']) ??
    info.timelines.find(({ timeline }) => timeline === info.timeline);
  const stretches = along?.stretches ?? [];
  const ledger = useAnswer<Ledger>('backups/ledger', { cluster, repository }, { everyMs: 30_000 }).answer?.document.entries;
  const status = useAnswer<WalStatus>('backups/wal', { cluster, repository }, { everyMs: 5000 });
  const points = useRestorePoints(cluster, repository, info);

  const rows = useMemo(() => rowsOf(info, backups, along?.timeline, nowMs), [info, backups, along?.timeline]);
  const schedule = useAnswer<Jobs>('schedule/list', {}, { everyMs: 60_000 }).answer?.document;
  const jobs = schedule?.jobs;
  const asked = schedule?.pausesKnown === true ? 'schedule/history' : undefined;
  const runs = useAnswer<History>(asked, { since: '60d' }, { everyMs: 30_000 }).answer?.document.runs;
  const marks = useMemo(
    () => marksOf(info, backups, ledger ?? [], points.found, failedBackups(cluster, jobs ?? [], runs ?? [])),
    [info, backups, ledger, points.found, jobs, runs],
  );
  const bounds = useMemo(() => boundsOf(rows, marks, nowMs), [rows, marks]);
  const range = rangeOf(stretches, rows.find(({ timeline }) => timeline === along?.timeline)?.gaps ?? [], nowMs);
  const [view, setView] = useState<View | undefined>(() => viewIn(query));
  const [chosenMs, setChosenMs] = useState(() => millisecondsIn(query['at']));
  // What was the last moment when somebody came stays what is looked at: it must not slip away under the hand.
  const [firstMs] = useState(range === undefined ? nowMs : firstMoment(range, stretches));
  const atMs = chosenMs ?? firstMs;
  const seen = useMemo(() => fitted(view ?? { fromMs: bounds.toMs - FIRST_SHOWN_MS, toMs: bounds.toMs }, bounds), [view, bounds]);
  const viewSoon = usePerFrame(setView);
  const momentSoon = usePerFrame<number>((next) => {
    setChosenMs(next);
    if (view !== undefined || next < seen.fromMs) setView(showing(seen, next, bounds));
  });
  const restingMs = useSettled(atMs, RESTS_MS);
  const restingView = useSettled(view, RESTS_MS);
  useEffect(() => {
    const iso = (ms: number): string => new Date(Math.round(ms)).toISOString();
    setQuery({
      at: chosenMs === undefined ? undefined : iso(restingMs),
      from: restingView === undefined ? undefined : iso(restingView.fromMs),
      to: restingView === undefined ? undefined : iso(restingView.toMs),
    });
    // A moment chosen again after another timeline was looked at rests where it was.
  }, [restingMs, restingView, chosenMs === undefined]);

  const timeline = along === undefined || along.timeline === info.timeline ? undefined : along.timeline;
  const into = query['into'] ?? scratchDirectory(cluster, atMs);
  const restore = { cluster, repository, atMs, timeline, into, reconcile: query['reconcile'] === 'yes' };
  const nearest = nearestRestorable(stretches, atMs);
  const jumps = useMemo(() => jumpsTo(marks, timeZone), [marks, timeZone]);
  const sentence = windowSentence(cluster, info, stretches, rows, shown);
  // Rows and gaps are many: they are made again when the repository changed, not when the moment moves.
  const list = useMemo(
    () => <BackupsTable {...{ session, cluster, repository, backups, shown, onChanged }} onMoment={setChosenMs} />,
    [session, cluster, repository, backups],
  );
  const wal = useMemo(() => <StoredWal info={info} status={status} shown={shown} />, [info, status.answer, status.failure]);
  const twin = useMemo(() => <MomentsTable rows={rows} marks={marks} shown={shown} />, [rows, marks]);
  return (
    <div class="stackv">
      <Panel id="window" title={`Recoverable window of ${cluster}`} aside={<Ranges bounds={bounds} seen={seen} onView={setView} />}>
        <div class="body bar window-line">
          <p>{sentence}</p>
          {info.timelines.length < 2 ? null : (
            <label class="field">
              Along timeline
              <select
                value={String(along?.timeline ?? '')}
                onChange={({ currentTarget }) => {
                  setChosenMs(undefined);
                  setQuery({ timeline: currentTarget.value, at: undefined });
                }}
              >
                {info.timelines.map((each) => (
                  <option key={each.timeline} value={each.timeline}>
                    {each.timeline}
                    {each.timeline === info.timeline ? ', the one that goes on' : ''}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
        {range === undefined ? (
          <p class="state">Nothing can be restored: no backup has its WAL complete. Take one now.</p>
        ) : (
          <Timeline
            {...{ cluster, rows, marks, bounds, range, atMs, timeZone }}
            view={seen}
            label={sentence}
            onView={viewSoon}
            onMoment={momentSoon}
          />
        )}
        <PointsSearch points={points} view={seen} />
        <Legend />
        {twin}
      </Panel>
      {range === undefined ? null : (
        <Preflight
          session={session}
          restore={restore}
          isSettled={restingMs === atMs}
          nowMs={nowMs}
          jumps={jumps}
          nearest={nearest.isRestorable ? [] : [nearest.beforeMs, nearest.afterMs].filter((each) => each !== undefined)}
          segmentBytes={info.wal.segmentBytes}
          onMoment={momentSoon}
          onInto={(asked) => setQuery({ into: asked })}
          onDrilled={onChanged}
          onReconcile={(reconcile) => setQuery({ reconcile: reconcile ? 'yes' : undefined })}
        />
      )}
      {list}
      {wal}
    </div>
  );
}

function Ranges({ bounds, seen, onView }: { readonly bounds: View; readonly seen: View; readonly onView: (view: View) => void }) {
  const most = bounds.toMs - bounds.fromMs;
  return (
    <span class="bar ranges" role="group" aria-label="Range">
      {RANGES.map(([label, spanMs]) => {
        const span = Math.min(most, spanMs);
        const isShown = (spanMs === Infinity || spanMs <= most) && Math.abs(seen.toMs - seen.fromMs - span) < 1000;
        return (
          <button
            key={label}
            type="button"
            class="btn"
            aria-pressed={isShown}
            disabled={spanMs !== Infinity && spanMs > most}
            onClick={() => onView(fitted({ fromMs: bounds.toMs - span, toMs: bounds.toMs }, bounds))}
          >
            {label}
          </button>
        );
      })}
    </span>
  );
}

function viewIn(query: Readonly<Record<string, string>>): View | undefined {
  const [fromMs, toMs] = [millisecondsIn(query['from']), millisecondsIn(query['to'])];
  return fromMs === undefined || toMs === undefined || toMs <= fromMs ? undefined : { fromMs, toMs };
}

function millisecondsIn(text: string | undefined): number | undefined {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? undefined : at;
}
