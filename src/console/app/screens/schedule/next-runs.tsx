import { formatDuration } from '../../../../base/durations.ts';
import type { Answered } from '../../answer.ts';
import { Panel } from '../../parts/panel.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import type { JobDocument, NextDocument } from './documents.ts';
import type { Common } from './selection.ts';

const MOST = 12;

/** What runs next, each in its own zone too where that is another, with what a change of the clocks does to it. */
export function NextRuns({ list, next, selection, shown }: Common & { readonly next: Answered<NextDocument> }) {
  const document = next.answer?.document;
  if (document === undefined) {
    return (
      <Panel id="next" title="Next runs" wide="c5">
        {next.failure === undefined ? <Loading what="what runs next" /> : <Failed failure={next.failure} again={next.again} />}
      </Panel>
    );
  }
  const jobs = new Map(list.jobs.map((job) => [job.name, job]));
  const runs = document.runs.filter(({ job }) => selection.cluster === undefined || jobs.get(job)?.cluster === selection.cluster);
  // Each job once: one that runs every minute would hide the others.
  const first = runs.filter(({ job }, index) => runs.findIndex((each) => each.job === job) === index);
  return (
    <Panel id="next" title="Next runs" wide="c5" aside={runs.length === 0 ? undefined : spanOf(runs, shown.now)}>
      {runs.length === 0 ? (
        <p class="body meta">Nothing runs by itself: no job has a time to come.</p>
      ) : (
        <table class="stackt">
          <thead>
            <tr>
              <th>Due</th>
              <th>Job</th>
              <th class="num lo">UTC</th>
              <th class="num">In</th>
            </tr>
          </thead>
          <tbody>
            {first.slice(0, MOST).map(({ job, at, local, timeZone, followers, note, isLeftOut }) => (
              <tr key={`${job} ${at}`}>
                <td class="nowrap">{moment(at, shown)}</td>
                <th scope="row">
                  {job}
                  {isLeftOut ? <span class="meta"> paused: left out</span> : null}
                  {timeZone === shown.timeZone ? null : (
                    <small class="sub">
                      {local} {timeZone}
                    </small>
                  )}
                  {followers.length === 0 ? null : <small class="sub">then {followers.join(', ')}</small>}
                  {note === null ? null : <small class="sub warn">▲ {note}</small>}
                </th>
                <td class="num lo">{at.slice(11, 16)}</td>
                <td class="num">{formatDuration(Math.max(0, Date.parse(at) - shown.now.getTime()))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {first.length <= MOST ? null : <p class="note">and {counted(first.length - MOST, 'more job')}</p>}
      {document.clocks.map(({ timeZone, at, byMinutes }) => (
        <p key={`${timeZone} ${at}`} class="note">
          Clocks in {timeZone} go {byMinutes > 0 ? 'forward' : 'back'} by {formatDuration(Math.abs(byMinutes) * 60_000)} on{' '}
          {moment(at, shown)}.
        </p>
      ))}
      {pausesOf(list, shown).map(([words, names]) => (
        <p key={words} class="note">
          <b>{names.join(', ')}</b> {names.length === 1 ? 'is' : 'are'} paused {words}.
        </p>
      ))}
    </Panel>
  );
}

/** Jobs that were paused together are told together. */
function pausesOf({ jobs }: Common['list'], shown: Shown): readonly (readonly [string, readonly string[]])[] {
  const words = ({ pause }: JobDocument): string => {
    if (pause === null) return 'by the file';
    const end = pause.until === null ? '' : `, until ${moment(pause.until, shown)}`;
    return `by ${pause.by} since ${moment(pause.at, shown)}${end}${pause.reason === null ? '' : `: “${pause.reason}”`}`;
  };
  const paused = jobs.filter((job) => job.paused);
  return [...Map.groupBy(paused, words)].map(([said, each]) => [said, each.map(({ name }) => name)]);
}

function spanOf(runs: NextDocument['runs'], now: Date): string {
  const day = runs.filter(({ at }) => Date.parse(at) - now.getTime() <= 86_400_000).length;
  return day === runs.length && runs.length >= 200 ? `${runs.length} runs or more in 24 h` : `${counted(day, 'run')} in 24 h`;
}
