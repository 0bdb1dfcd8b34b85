import path from 'node:path';
import { findChromium, startChromium } from '../../console/chromium.ts';
import { judge, machine, table, writeJson, type Figure } from '../backup/results.ts';
import { figuresOf } from './frames.ts';
import { timelineFrames } from './timeline.ts';

const USAGE = `node test/bench/console/run.ts [--backups 10000] [--segments 1000000] [--gaps 60] [--json FILE]

The time between frames while somebody works with the console in a real Chromium without a window, which draws in software:
documents are made up and large. 16.7 ms is a screen's pace; the bound is what the slowest twentieth may take.`;
const BOUND_MS = 50;
const ASSETS = path.resolve(import.meta.dirname, '..', '..', '..', 'dist', 'console');

/** The benchmark of the console's screens. Exit 0 only when all bounds are kept. */
async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  const option = (name: string, fallback: string): string =>
    argv.includes(`--${name}`) ? (argv[argv.indexOf(`--${name}`) + 1] ?? '') : fallback;
  const size = {
    backups: Number(option('backups', '10000')),
    segments: Number(option('segments', '1000000')),
    gaps: Number(option('gaps', '60')),
  };
  const executable = findChromium();
  if (executable === undefined) throw new Error('there is no Chromium here (apt-get install chromium)');
  console.log(`${machine()}\n${JSON.stringify(size)}`);
  const browser = await startChromium(executable);
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const measured = await timelineFrames(page, ASSETS, size);
    const figures = measured.map(({ name, times }): Figure => {
      const { frames, medianMs, p95Ms, mostMs } = figuresOf(times);
      console.log(`${name}: ${frames} frames, median ${medianMs.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms, most ${mostMs.toFixed(1)} ms`);
      return {
        name: `timeline, ${name}: p95 between frames`,
        unit: 'ms',
        ours: [p95Ms],
        target: { kind: 'value-at-most', limit: BOUND_MS },
      };
    });
    const results = figures.map(judge);
    console.log(`\n${table(results)}`);
    const json = option('json', '');
    if (json !== '') await writeJson(json, results, { ...size });
    return results.every(({ reached }) => reached !== false) ? 0 : 1;
  } finally {
    await browser.close();
  }
}

process.exitCode = await main(process.argv.slice(2));
