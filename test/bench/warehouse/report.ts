import { readReport } from '../../../src/spotify/report/inspect.ts';
import { EVERYTHING, type AskedScope } from '../../../src/spotify/report/scope.ts';
import { SECTIONS } from '../../../src/spotify/report/sections.ts';
import type { Section } from '../../../src/spotify/report/section.ts';
import type { Figure } from '../backup/results.ts';
import { repeat, seconds, type Bench, type FigureGroup, type World } from './world.ts';

const SECTION_MS = 1000;

/** Each part of the report about all plays there are, read alone as `spotify report NAME` reads it. */
export const REPORT: FigureGroup = {
  name: 'report',
  measure: async (bench) => {
    const world = await bench.world();
    const figures: Figure[] = [];
    for (const section of SECTIONS) figures.push(await reading(bench, world, section));
    const listeners = await world.sql<{ name: string }[]>`select name from mart.dim_listener order by listener_id limit 1`;
    const narrowed = { ...EVERYTHING, listener: listeners[0]?.name };
    const all = await repeat(Math.min(3, bench.options.runs), async () => await milliseconds(world, SECTIONS, EVERYTHING));
    const one = await repeat(Math.min(3, bench.options.runs), async () => await milliseconds(world, SECTIONS, narrowed));
    return [
      ...figures,
      { name: `the whole report, ${bench.options.plays.toLocaleString('en')} plays`, unit: 'ms', ours: all },
      { name: 'the whole report of one listener', unit: 'ms', ours: one },
    ];
  },
};

async function reading(bench: Bench, world: World, section: Section): Promise<Figure> {
  bench.signal.throwIfAborted();
  await milliseconds(world, [section], EVERYTHING);
  const ours = await repeat(bench.options.runs, async () => await milliseconds(world, [section], EVERYTHING));
  console.error(`  ${section.name}: ${ours.map((time) => time.toFixed(0)).join(', ')} ms`);
  return { name: `report ${section.name}`, unit: 'ms', ours, target: { kind: 'value-at-most', limit: SECTION_MS } };
}

async function milliseconds({ sql }: World, sections: readonly Section[], asked: AskedScope): Promise<number> {
  return 1000 * (await seconds(async () => await readReport(sql, asked, sections, { withCovers: false, onSection: () => undefined })));
}
