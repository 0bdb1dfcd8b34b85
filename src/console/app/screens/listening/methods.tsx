import { useAnswer } from '../../answer.ts';
import { Command } from '../../parts/command.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Failed } from '../../parts/states.tsx';
import { moment } from '../../words.ts';
import { useListening } from './listening-context.ts';
import { grouped } from './report.ts';

interface Figure {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

interface Task {
  readonly task: string;
  readonly cases: number;
  readonly items: number;
  readonly methods: readonly {
    readonly method: string;
    readonly figures: Readonly<Record<string, Figure>>;
    readonly itemsShown: number;
    readonly overPopularity: Figure | null;
  }[];
}

interface Evaluation {
  readonly source: string | null;
  readonly tasks: readonly Task[];
  readonly reached: boolean | null;
  readonly evaluationId: string | null;
  readonly storedAt: string | null;
}

const TITLES: Readonly<Record<string, string>> = {
  'next track': 'Next track',
  playlists: 'Playlists continued',
  interactions: 'What else a listener has',
};

/** What each method reached when what is known was hidden from it, beside chance and popularity, with 95 % intervals. */
export function Methods() {
  const { session, cluster } = useListening();
  const { answer, failure, again } = useAnswer<Evaluation>('listening/methods', { cluster });
  const evaluation = answer?.document;
  const storedAt = evaluation?.storedAt ?? null;
  const shown = { now: new Date(), timeZone: session.project.timeZone };
  return (
    <Panel
      id="methods"
      title="How good are the methods?"
      aside={storedAt === null ? undefined : `measured ${moment(storedAt, shown)} on ${evaluation?.source ?? ''}`}
    >
      {failure === undefined ? null : <Failed failure={failure} again={again} />}
      {evaluation === undefined ? null : evaluation.tasks.length === 0 ? (
        <div class="body stackv tight">
          <p class="meta">Nobody has measured it here yet. This hides a part of what is known and asks each method for it:</p>
          <Command text="dbadmin spotify evaluate" />
        </div>
      ) : (
        <div class="body groups wide">
          {evaluation.tasks.map((task) => (
            <OneTask key={task.task} task={task} />
          ))}
        </div>
      )}
      {evaluation === undefined || evaluation.tasks.length === 0 ? null : (
        <p class="note">
          All songs are ranked in each case, none are sampled. A bar is the share of cases with a hit among the first ten, its whisker where
          the truth lies with 95 %.{' '}
          {evaluation.reached === true ? 'Co-occurrence finds the next track at least twice as often as popularity, as it must.' : ''}
        </p>
      )}
    </Panel>
  );
}

function OneTask({ task: { task, cases, items, methods } }: { readonly task: Task }) {
  const metrics = Object.keys(methods[0]?.figures ?? {});
  const shownMetric = metrics.includes('HR@10') ? 'HR@10' : (metrics[0] ?? '');
  const most = Math.max(0.001, ...methods.map(({ figures }) => figures[shownMetric]?.high ?? 0));
  return (
    <div>
      <h3>
        {TITLES[task] ?? task}{' '}
        <span class="meta">
          {grouped(cases)} cases, {grouped(items)} songs ranked
        </span>
      </h3>
      <div class="scroll" role="region" aria-label={`${TITLES[task] ?? task}, by method`} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Method</th>
              <td class="third" />
              {metrics.map((metric) => (
                <th key={metric} scope="col" class="num">
                  {metric}
                </th>
              ))}
              <th scope="col" class="num">
                × popularity
              </th>
            </tr>
          </thead>
          <tbody>
            {methods.map(({ method, figures, overPopularity }) => (
              <tr key={method}>
                <th scope="row">{method}</th>
                <td>
                  <Whisker figure={figures[shownMetric]} of={most} />
                </td>
                {metrics.map((metric) => (
                  <td key={metric} class="num">
                    <Interval figure={figures[metric]} digits={3} />
                  </td>
                ))}
                <td class="num">{overPopularity === null ? '' : <Interval figure={overPopularity} digits={1} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Interval({ figure, digits }: { readonly figure: Figure | undefined; readonly digits: number }) {
  if (figure === undefined) return null;
  return (
    <>
      {figure.value.toFixed(digits)}{' '}
      <small>
        {figure.low.toFixed(digits)}–{figure.high.toFixed(digits)}
      </small>
    </>
  );
}

function Whisker({ figure, of }: { readonly figure: Figure | undefined; readonly of: number }) {
  if (figure === undefined) return null;
  const at = (value: number): string => `${((value / of) * 100).toFixed(2)}%`;
  return (
    <svg class="length" height="14" aria-hidden="true" focusable="false">
      <rect class="bar" width={at(figure.value)} y="3" height="8" />
      <line class="mark" x1={at(figure.low)} x2={at(figure.high)} y1="7" y2="7" />
      <line class="mark" x1={at(figure.low)} x2={at(figure.low)} y1="4" y2="10" />
      <line class="mark" x1={at(figure.high)} x2={at(figure.high)} y1="4" y2="10" />
    </svg>
  );
}
