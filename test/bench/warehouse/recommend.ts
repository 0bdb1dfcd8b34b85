import { SeededRandom } from '../../../src/spotify/generate/random.ts';
import type { Figure } from '../backup/results.ts';
import { loadFiles, repeat, seconds, type Bench, type FigureGroup, type World } from './world.ts';

const QUESTIONS = 300;
const WARM_UP = 30;
const ANSWER_MS = 10;

/** The recommender's refreshes, and how fast it answers: the 95th percentile over random questions, warm, through a client. */
export const RECOMMEND: FigureGroup = {
  name: 'recommend',
  measure: async (bench) => {
    const world = await bench.world();
    const plays = bench.options.plays.toLocaleString('en');
    const first = await seconds(async () => await refresh(world));
    await world.sql.unsafe('vacuum analyze');
    const [tracks, listeners] = [await idsOf(world, 'reco.song_count', 'track_id'), await idsOf(world, 'core.listener', 'listener_id')];
    const analysed = await idsOf(world, 'reco.song_feature', 'track_id');
    const answers = [
      await answering(bench, world, 'recommend', 'select * from reco.recommend($1, 10)', listeners),
      await answering(bench, world, 'recommend, heard songs as well', `select * from reco.recommend($1, 10, 'any')`, listeners),
      await answering(bench, world, 'sounds_like', 'select * from reco.sounds_like($1, 10)', analysed),
      await answering(bench, world, 'next_track', 'select * from reco.next_track($1, 10)', tracks),
    ];
    const later = await repeat(Math.min(3, bench.options.runs), async (turn) => {
      const directory = await bench.files(`listens-${turn}`, { listeners: 1, plays: 10_000, seed: 300 + turn, kinds: ['histories'] });
      await loadFiles(bench, world.sql, directory, `later listener ${turn}`);
      return await seconds(async () => await refresh(world));
    });
    const day = await repeat(Math.min(3, bench.options.runs), async (turn) => {
      await world.sql`update core.play set ms_played = ms_played + 1 where listener_id = 1 and ended_at >= ${`2025-0${turn + 2}-01`}
        and ended_at < ${`2025-0${turn + 2}-02`}`;
      return await seconds(async () => await refresh(world));
    });
    return [
      { name: `first refresh of the recommender, ${plays} plays, ${tracks.length.toLocaleString('en')} songs`, unit: 's', ours: [first] },
      ...answers,
      { name: `refresh of the recommender after 10,000 plays of another listener on ${plays}`, unit: 's', ours: later },
      { name: `refresh of the recommender after one day of one listener on ${plays}`, unit: 's', ours: day },
    ];
  },
};

async function refresh({ sql }: World): Promise<void> {
  const [called] = await sql.unsafe<{ run: string }[]>('call reco.refresh()');
  const [run] = await sql<{ error: string | null }[]>`select error from quality.run where run_id = ${called?.run ?? null}`;
  if (run === undefined || run.error !== null) throw new Error(`the recommender was not refreshed: ${run?.error ?? 'no run'}`);
}

async function idsOf({ sql }: World, table: string, column: string): Promise<readonly string[]> {
  const rows = await sql.unsafe<{ id: string }[]>(`select distinct ${column} as id from ${table}`);
  return rows.map(({ id }) => id);
}

async function answering(bench: Bench, { sql }: World, name: string, query: string, ids: readonly string[]): Promise<Figure> {
  const random = new SeededRandom(11);
  const ask = async (): Promise<number> => 1000 * (await seconds(async () => await sql.unsafe(query, [random.pick(ids)])));
  await repeat(WARM_UP, ask);
  const ours = await repeat(bench.options.runs, async () => {
    const times = [...(await repeat(QUESTIONS, ask))].sort((a, b) => a - b);
    return times[Math.ceil(QUESTIONS * 0.95) - 1] ?? Number.NaN;
  });
  console.error(`  ${name}: ${ours.map((time) => `${time.toFixed(1)} ms`).join(', ')}`);
  return { name: `${name}, 95th percentile of ${QUESTIONS}`, unit: 'ms', ours, target: { kind: 'value-at-most', limit: ANSWER_MS } };
}
