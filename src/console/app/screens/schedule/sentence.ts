import { counted, moment, type Shown } from '../../words.ts';
import type { HistoryDocument, NextDocument } from './documents.ts';

/** What ran, what did not, what goes on, what is next: one sentence. */
export function scheduleSentence(
  history: Pick<HistoryDocument, 'days' | 'jobs'> | undefined,
  next: Pick<NextDocument, 'runs'> | undefined,
  shown: Shown,
): string {
  return [...(history === undefined ? [] : [ranPart(history)]), nextPart(next, shown)].join('; ').replace(/;? *$/, '.');
}

function ranPart({ days, jobs }: Pick<HistoryDocument, 'days' | 'jobs'>): string {
  const sum = (of: 'done' | 'failed' | 'missed' | 'current'): number =>
    jobs.reduce((total, job) => total + job.days.reduce((own, day) => own + (day?.[of] ?? 0), 0), 0);
  const [done, failed, missed, current] = [sum('done'), sum('failed'), sum('missed'), sum('current')];
  if (done + failed + missed + current === 0) return `Nothing has run in ${counted(days.length, 'day')}`;
  const trouble = [...(failed === 0 ? [] : [`${failed} failed`]), ...(missed === 0 ? [] : [`${missed} missed`])];
  return [
    `In ${counted(days.length, 'day')} ${counted(done, 'run')} done, ${trouble.length === 0 ? 'none failed or missed' : trouble.join(', ')}`,
    ...(current === 0 ? [] : [`${current} now running or queued`]),
  ].join('; ');
}

function nextPart(next: Pick<NextDocument, 'runs'> | undefined, shown: Shown): string {
  const first = next?.runs.find(({ isLeftOut }) => !isLeftOut);
  if (next === undefined) return '';
  return first === undefined ? 'nothing will run' : `next is ${first.job}, ${moment(first.at, shown)}`;
}
