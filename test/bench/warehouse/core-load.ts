import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Figure } from '../backup/results.ts';
import type { Sql } from 'postgres';
import { loadFiles, repeat, type Bench, type FigureGroup } from './world.ts';

/** From raw into core: rows a second of the load steps, on the first files of the warehouse and on the last. */
export const CORE_LOAD: FigureGroup = {
  name: 'core-load',
  measure: async (bench) => [...(await histories(bench)), ...(await extended(bench))],
};

async function histories(bench: Bench): Promise<readonly Figure[]> {
  const { loads } = await bench.world();
  const rates = loads.flatMap(({ format, run }) =>
    format === 'streaming_history' && run !== undefined ? [run.rowsIn / (run.tookMs / 1000)] : [],
  );
  const tenth = Math.max(1, Math.floor(rates.length / 10));
  return [
    { name: 'streaming histories into core, the first tenth of the files', unit: 'rows/s', ours: rates.slice(0, tenth) },
    { name: 'streaming histories into core, the last tenth of the files', unit: 'rows/s', ours: rates.slice(-tenth) },
  ];
}

/** Both exports of one listener: each row of the extended one has its twin among the plays that are there; then a later export of the same. */
async function extended(bench: Bench): Promise<readonly Figure[]> {
  const directory = await bench.files('both', { listeners: 1, plays: 50_000, seed: 4, kinds: ['histories', 'extended'] });
  const later = await repeatedExport(directory);
  const rates = await repeat(Math.min(3, bench.options.runs), async () => {
    const { sql, drop } = await bench.emptyWarehouse();
    try {
      return { first: await rateInto(bench, sql, directory), again: await rateInto(bench, sql, later) };
    } finally {
      await drop();
    }
  });
  return [
    { name: 'extended histories over basic ones into core', unit: 'rows/s', ours: rates.map(({ first }) => first) },
    { name: 'a later extended export, every play known', unit: 'rows/s', ours: rates.map(({ again }) => again) },
  ];
}

async function rateInto(bench: Bench, sql: Sql, directory: string): Promise<number> {
  const runs = (await loadFiles(bench, sql, directory)).flatMap(({ format, run }) =>
    format === 'extended_history' && run !== undefined ? [run] : [],
  );
  return runs.reduce((sum, { rowsIn }) => sum + rowsIn, 0) / (runs.reduce((sum, { tookMs }) => sum + tookMs, 0) / 1000);
}

/** The extended histories below `directory`, each without its last play, so that they are files of their own. */
async function repeatedExport(directory: string): Promise<string> {
  const copy = `${directory}-again`;
  await rm(copy, { recursive: true, force: true });
  await cp(directory, copy, { recursive: true });
  for (const entry of await readdir(copy, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    if (!entry.name.startsWith('Streaming_History_Audio')) {
      await rm(file);
      continue;
    }
    const plays = JSON.parse(await readFile(file, 'utf8')) as readonly unknown[];
    await writeFile(file, JSON.stringify(plays.slice(0, -1)));
  }
  return copy;
}
