import type { Figure } from '../backup/results.ts';
import { loadFiles, repeat, type Bench, type FigureGroup } from './world.ts';

const ROWS_PER_SECOND = 200_000;

/** Histories into raw, and nothing further: rows a second from opening the files to the commit, their hashes included. */
export const RAW_LOAD: FigureGroup = {
  name: 'raw-load',
  measure: async (bench) => [
    await landing(bench, 'streaming histories', 'histories', 'core.load_history'),
    await landing(bench, 'extended histories', 'extended', 'core.load_extended'),
  ],
};

async function landing(bench: Bench, title: string, kind: 'histories' | 'extended', step: string): Promise<Figure> {
  const directory = await bench.files(kind, { listeners: 1, plays: bench.options.rows, seed: 3, kinds: [kind] });
  const rates = await repeat(bench.options.runs, async () => {
    const { sql, drop } = await bench.emptyWarehouse();
    try {
      // Without its step a file is landed and left at that.
      await sql.unsafe(`drop procedure ${step}`);
      const results = await loadFiles(bench, sql, directory);
      const rows = results.reduce((sum, { rowsReceived }) => sum + rowsReceived, 0);
      const rate = rows / (results.reduce((sum, { receiveMs }) => sum + receiveMs, 0) / 1000);
      console.error(`  ${title}: ${Math.round(rate).toLocaleString('en')} rows/s`);
      return rate;
    } finally {
      await drop();
    }
  });
  return { name: `${title} into raw`, unit: 'rows/s', ours: rates, target: { kind: 'value-at-least', limit: ROWS_PER_SECOND } };
}
