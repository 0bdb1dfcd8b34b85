import type { Interactions, ListeningData } from './data.ts';
import { POPULARITY } from './examine.ts';
import type { TaskFigures } from './figures.ts';
import { evaluateInteractions } from './interactions.ts';
import { evaluateNextTrack } from './next-track.ts';
import { evaluatePlaylists } from './playlists.ts';
import { listCount } from './sparse.ts';

/** What reco.setting has by default; window and shrinkage were chosen on the tenth of the time before the fifth that is tested. */
export const SETTINGS = { shrinkage: 5, neighbours: 50, window: 5, profile: 100 } as const;

/** How many times popularity's HR@10 the next track must reach. */
export const DEMANDED = 2;
/** With fewer cases than this nothing is concluded. */
const FEWEST_CASES = 100;

const METHOD = 'co-occurrence';

/** All that can be tried on these listens and playlists: a task for which there is nothing is left out. */
export function evaluateListening(data: ListeningData, seed: number): readonly TaskFigures[] {
  const { shrinkage, neighbours, window } = SETTINGS;
  const options = { shrinkage, neighbours, fewest: 1 };
  const tasks = [
    ...(data.history.songOf.length > 0 ? [evaluateNextTrack(data.catalogue, data.history, { ...options, window }, seed)] : []),
    ...(listCount(data.playlists) > 0 ? [evaluatePlaylists(data.catalogue, data.playlists, { ...options, window: Infinity }, seed)] : []),
  ];
  return tasks.filter(({ cases }) => cases > 0);
}

export function evaluatePairs(interactions: Interactions, seed: number): TaskFigures {
  const { shrinkage, neighbours, profile } = SETTINGS;
  return evaluateInteractions(interactions, { shrinkage, neighbours, profile, window: Infinity, fewest: 2 }, seed);
}

export type Verdict =
  | { readonly reached: true; readonly said: string }
  | { readonly reached: false; readonly said: string }
  | { readonly reached: undefined; readonly said: string | undefined };

/** Whether the method reached `demanded` times popularity, in the task that is judged: the next track, or interactions. */
export function judgeTasks(tasks: readonly TaskFigures[], demanded: number | undefined): Verdict {
  if (demanded === undefined) return { reached: undefined, said: undefined };
  const judged = tasks.find(({ task }) => task !== 'playlists');
  if (judged === undefined) return { reached: undefined, said: 'there are no listens: nothing was judged' };
  if (judged.cases < FEWEST_CASES)
    return { reached: undefined, said: `${judged.cases} cases are too few to judge by: ${FEWEST_CASES} are needed` };
  const metric = Object.keys(judged.methods[0]?.figures ?? {})[0] ?? '';
  const valueOf = (name: string): number => judged.methods.find(({ method }) => method === name)?.figures[metric]?.value ?? 0;
  const [ours, theirs] = [valueOf(METHOD), valueOf(POPULARITY)];
  const said = `${judged.task}, ${metric}: ${METHOD} ${ours.toFixed(3)}, ${POPULARITY} ${theirs.toFixed(3)}, ${(ours / theirs).toFixed(2)} times; ${demanded} times are demanded`;
  return ours > 0 && ours >= demanded * theirs ? { reached: true, said } : { reached: false, said };
}
