import { finishLoad } from '../../../src/spotify/load/run.ts';
import type { FigureGroup } from './world.ts';
import { loadFiles, repeat, seconds } from './world.ts';

const NEW_PLAYS = 10_000;
const REFRESH_SECONDS = 2;

/** The marts after a further listener's plays of the whole year came: they touch every day, every week and most artists. */
export const REFRESH: FigureGroup = {
  name: 'refresh',
  measure: async (bench) => {
    const { sql, firstRefresh } = await bench.world();
    const times = await repeat(bench.options.runs, async (turn) => {
      const directory = await bench.files(`news-${turn}`, { listeners: 1, plays: NEW_PLAYS, seed: 100 + turn, kinds: ['histories'] });
      const results = await loadFiles(bench, sql, directory, `further listener ${turn}`);
      if (results[0]?.run?.rowsOut === undefined) throw new Error('nothing new came');
      const linking = await seconds(async () => await finishLoad(sql, { marts: false }));
      const refresh = await seconds(async () => {
        const { marts } = await finishLoad(sql, { marts: true });
        if (marts.status !== 'refreshed' || marts.plays < NEW_PLAYS * 0.9) throw new Error(`not refreshed: ${JSON.stringify(marts)}`);
      });
      console.error(`  linking ${linking.toFixed(2)} s, with refresh ${refresh.toFixed(2)} s`);
      return { linking, refresh: refresh - linking };
    });
    const plays = bench.options.plays.toLocaleString('en');
    return [
      { name: `first refresh of the marts, ${plays} plays`, unit: 's', ours: [firstRefresh] },
      {
        name: `refresh after ${NEW_PLAYS.toLocaleString('en')} new plays on ${plays}`,
        unit: 's',
        ours: times.map(({ refresh }) => refresh),
        target: { kind: 'value-at-most', limit: REFRESH_SECONDS },
      },
      { name: 'duplicates by meaning linked again', unit: 's', ours: times.map(({ linking }) => linking) },
    ];
  },
};
