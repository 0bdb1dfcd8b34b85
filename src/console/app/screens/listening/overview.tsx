import { Figure, Length } from './bars.tsx';
import { Daily } from './trends.tsx';
import { nameOfBefore, periodBefore } from './filters.ts';
import { useListening } from './listening-context.ts';
import { Part, useBefore } from './part.tsx';
import { Ranking } from './top.tsx';
import { grouped, numberOf, shownValue, signed, spanText, sumOf, textOf, type ReportPart, type Row } from './report.ts';

/** How much, from where, when and what, each beside the period before. */
export function OverviewTab() {
  return (
    <>
      <Cards />
      <Daily wide="" />
      <div class="cols fill">
        <Shares name="sources" title="From where" of="source" wide="c6" />
        <Shares name="content" title="Explicit or not" of="content" wide="c6" />
      </div>
      <div class="cols fill">
        <Ranking kind="artist" top={5} wide="c4" />
        <Ranking kind="track" top={5} wide="c4" />
        <Ranking kind="album" top={5} wide="c4" />
      </div>
    </>
  );
}

function Cards() {
  const before = useBefore('cards')?.rows[0];
  const { filters } = useListening();
  const name = periodBefore(filters) === undefined ? undefined : nameOfBefore(filters);
  return (
    <Part
      name="cards"
      title="Key figures"
      aside={() =>
        name === undefined ? 'a month, or a first and a last day, adds the change from the period before' : `change from ${name}`
      }
      isEmpty={({ rows: [row] }) => numberOf(row, 'plays') === 0}
    >
      {({ rows: [row] }) => <CardFigures row={row} before={before} />}
    </Part>
  );
}

function CardFigures({ row, before }: { readonly row: Row | undefined; readonly before: Row | undefined }) {
  const plays = numberOf(row, 'plays');
  const hours = numberOf(row, 'listening_hours');
  const songs = numberOf(row, 'songs');
  const of = (part: number): string => `${((part / plays) * 100).toFixed(1)} %`;
  const explicit = row?.['explicit_percent'] ?? null;
  return (
    <dl class="figs">
      <Figure name="Plays" more={change(plays, before, 'plays')}>
        {grouped(plays)}
      </Figure>
      <Figure name="Songs" more={change(songs, before, 'songs') ?? (songs === 0 ? '' : `${(plays / songs).toFixed(1)} plays a song`)}>
        {grouped(songs)}
      </Figure>
      <Figure name="Listening time" more={change(hours, before, 'listening_hours') ?? `${spanText((hours * 3_600_000) / plays)} a play`}>
        {spanText(hours * 3_600_000)}
      </Figure>
      <Figure name="Weekday plays" more={of(numberOf(row, 'weekday_plays'))}>
        {grouped(numberOf(row, 'weekday_plays'))}
      </Figure>
      <Figure name="Weekend plays" more={of(numberOf(row, 'weekend_plays'))}>
        {grouped(numberOf(row, 'weekend_plays'))}
      </Figure>
      <Figure name="Explicit" more={explicit === null || before === undefined ? undefined : pointsFrom(Number(explicit), before)}>
        {explicit === null ? 'not known' : shownValue('percent', explicit)}
      </Figure>
    </dl>
  );
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function change(now: number, before: Row | undefined, key: string): string | undefined {
  if (before === undefined) return undefined;
  const was = numberOf(before, key);
  return was === 0 ? 'none before' : `${signed(((now - was) / was) * 100, '%', 1)}, was ${shownValue('decimal', was)}`;
}

function pointsFrom(now: number, before: Row): string {
  const was = before['explicit_percent'];
  return typeof was === 'number' ? signed(now - was, 'points', 1) : 'not known before';
}

interface SharesProps {
  readonly name: string;
  readonly title: string;
  /** The column that names the shares. */
  readonly of: string;
  readonly wide: string;
}

/** Shares of all plays on one scale from 0 to 100 %, the period before as a mark. */
function Shares({ name, title, of, wide }: SharesProps) {
  const before = useBefore(name);
  return (
    <Part name={name} title={title} wide={wide} aside={() => 'share of plays, bars 0 to 100 %'}>
      {(part) => <ShareTable part={part} before={before} of={of} />}
    </Part>
  );
}

function ShareTable({ part, before, of }: { readonly part: ReportPart; readonly before: ReportPart | undefined; readonly of: string }) {
  const { filters } = useListening();
  const all = sumOf(part.rows, 'plays');
  const allBefore = sumOf(before?.rows ?? [], 'plays');
  const was = (row: Row): number | undefined => {
    if (before === undefined || allBefore === 0) return undefined;
    return (
      (numberOf(
        before.rows.find((each) => each[of] === row[of]),
        'plays',
      ) /
        allBefore) *
      100
    );
  };
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col">{part.columns[0]?.head}</th>
            <td class="third" />
            <th scope="col" class="num">
              Plays
            </th>
            <th scope="col" class="num">
              Share
            </th>
            {allBefore === 0 ? null : (
              <th scope="col" class="num">
                Change
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {part.rows.map((row) => {
            const share = (numberOf(row, 'plays') / all) * 100;
            const mark = was(row);
            return (
              <tr key={textOf(row, of)}>
                <th scope="row">{capitalised(textOf(row, of))}</th>
                <td>
                  <Length value={share} of={100} mark={mark} />
                </td>
                <td class="num">{grouped(numberOf(row, 'plays'))}</td>
                <td class="num">{share.toFixed(1)} %</td>
                {allBefore === 0 ? null : <td class="num">{mark === undefined ? '' : signed(share - mark, 'pt', 1)}</td>}
              </tr>
            );
          })}
        </tbody>
      </table>
      {allBefore === 0 ? null : (
        <p class="legend note">
          <span>
            <i class="key bar" /> these
          </span>
          <span>
            <i class="key line" /> {nameOfBefore(filters)}
          </span>
        </p>
      )}
    </>
  );
}
