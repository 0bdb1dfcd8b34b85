import path from 'node:path';
import { findChromium, startChromium } from '../../console/chromium.ts';
import { judge, machine, table, writeJson, type Figure } from '../backup/results.ts';
import { figuresOf } from './frames.ts';
import { measureMatrix, type MatrixMeasured } from './matrix.ts';
import { IDLE, timelineFrames } from './timeline.ts';

const USAGE = `node test/bench/console/run.ts [--backups 10000] [--segments 1000000] [--gaps 60] [--roles 500] [--objects 5000] [--only timeline|matrix] [--json FILE]

The time between frames while somebody works with the console in a real Chromium without a window, which draws in software:
the timeline's documents are made up and large, the matrix is that of a real cluster of so many roles and tables. 16.7 ms is a screen's pace; the bound is what the slowest twentieth may take.
A page that is left alone is measured, too: what it takes there, others on this machine cost.`;
const BOUND_MS = 50;
const DIST = path.resolve(import.meta.dirname, '..', '..', '..', 'dist');
const ASSETS = path.join(DIST, 'console');
/** Of the answer that the matrix is drawn from, at 500 roles and 5,000 tables none of which is like another. */
const MOST_ANSWER_SECONDS = 5;
const MOST_ANSWER_MEGABYTES = 8;
const MOST_MEMORY_MEGABYTES = 500;

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
  const matrix = { roles: Number(option('roles', '500')), objects: Number(option('objects', '5000')) };
  const executable = findChromium();
  if (executable === undefined) throw new Error('there is no Chromium here (apt-get install chromium)');
  console.log(`${machine()}\n${JSON.stringify({ ...size, ...matrix })}`);
  const browser = await startChromium(executable);
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const only = option('only', '');
    const figures: Figure[] = [];
    if (only !== 'matrix') figures.push(...framesOf('timeline', await timelineFrames(page, ASSETS, size)));
    if (only !== 'timeline')
      figures.push(...figuresOfMatrix(await measureMatrix(page, ASSETS, path.join(DIST, '..', 'bin', 'dbadmin.cjs'), matrix)));
    const results = figures.map(judge);
    console.log(`\n${table(results)}`);
    const json = option('json', '');
    if (json !== '') await writeJson(json, results, { ...size, ...matrix });
    return results.every(({ reached }) => reached !== false) ? 0 : 1;
  } finally {
    await browser.close();
  }
}

/** The slowest twentieth of the frames, for each thing that is done. */
function framesOf(screen: string, measured: readonly { readonly name: string; readonly times: readonly number[] }[]): readonly Figure[] {
  return measured.map(({ name, times }): Figure => {
    const { frames, medianMs, p95Ms, mostMs } = figuresOf(times);
    console.log(`${name}: ${frames} frames, median ${medianMs.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms, most ${mostMs.toFixed(1)} ms`);
    return {
      name: `${screen}, ${name}: p95 between frames`,
      unit: 'ms',
      ours: [p95Ms],
      ...(name === IDLE ? {} : { target: { kind: 'value-at-most', limit: BOUND_MS } }),
    };
  });
}

function figuresOfMatrix({ frames, seconds, peakMegabytes, documentBytes, readyMs }: MatrixMeasured): readonly Figure[] {
  return [
    { name: 'matrix, the answer', unit: 's', ours: seconds, target: { kind: 'value-at-most', limit: MOST_ANSWER_SECONDS } },
    {
      name: 'matrix, the answer: memory',
      unit: 'MB',
      ours: peakMegabytes,
      target: { kind: 'value-at-most', limit: MOST_MEMORY_MEGABYTES },
    },
    {
      name: 'matrix, the answer: size',
      unit: 'MB',
      ours: [documentBytes / 1e6],
      target: { kind: 'value-at-most', limit: MOST_ANSWER_MEGABYTES },
    },
    { name: 'matrix, from the address to its cells', unit: 'ms', ours: [readyMs] },
    ...framesOf('matrix', frames),
  ];
}

process.exitCode = await main(process.argv.slice(2));
