import { differenceOf, MB, type Bench, type Measured } from './bench.ts';
import { fingerprint } from './fingerprint.ts';
import { Ours } from './ours.ts';
import type { Figure } from './results.ts';
import { Source } from './source.ts';

const SMALL_BYTES = 2.3e9;
/** What the peak of a process may differ by without anything of it growing with the database: the collector's timing. */
const FLAT = 1.2;

const NAMES = ['full', 'restore', 'incremental', 'restore of that'] as const;
type Peaks = Record<(typeof NAMES)[number], Measured>;

/** The memory of backups and restores at the size asked for against that at the usual one; nothing when both are the same. */
export async function memoryRows(bench: Bench): Promise<readonly Figure[]> {
  const { options, peers } = bench;
  if (options.sizeBytes < 1.5 * SMALL_BYTES) return [];
  bench.say(`memory: loading ${SMALL_BYTES / 1e9} GB to compare with`);
  await bench.source.archiveTo('/bin/true');
  const large = await peaks(bench, bench.ours, bench.source);
  const small = await Source.open(peers, 'small', SMALL_BYTES);
  try {
    const { cli, profileDirectory } = options;
    const little = await peaks(bench, new Ours({ cli, peers, server: small.server, profileDirectory }), small);
    const failed = large.failed ?? little.failed;
    return NAMES.map((name) => ({
      name: `memory at ${options.sizeBytes / 1e9} GB, ${name}`,
      unit: 'MB',
      ours: large.peaks.map((each) => each[name].peakRssBytes / MB),
      peer: { name: `ours at ${SMALL_BYTES / 1e9} GB`, values: little.peaks.map((each) => each[name].peakRssBytes / MB) },
      target: { kind: 'ratio-at-most', limit: FLAT },
      ...(failed === undefined ? {} : { failed }),
    }));
  } finally {
    await small.server.stop();
    await peers.remove('small');
  }
}

/** Of each run; `failed` says which restored cluster was not as its source. */
async function peaks(bench: Bench, ours: Ours, source: Source): Promise<{ readonly peaks: readonly Peaks[]; readonly failed?: string }> {
  const measured: Peaks[] = [];
  let failed: string | undefined;
  const into = bench.peers.path('restored-memory');
  for (let number = 0; number < bench.options.runs; number += 1) {
    const repository = await ours.repository('memory');
    const restore = async (what: string): Promise<Measured> => {
      const restored = await repository.restore(into);
      const difference = await differenceOf(bench, into, await fingerprint(source.server));
      if (difference !== undefined) failed ??= `${what} of run ${number + 1}: ${difference}`;
      return restored;
    };
    const full = await repository.backup('full', 1);
    const ofFull = await restore('full');
    await source.work(bench.options.transactions);
    const incremental = await repository.backup('incremental', 1);
    measured.push({ full, restore: ofFull, incremental, 'restore of that': await restore('incremental') });
    await repository.remove();
  }
  return { peaks: measured, ...(failed === undefined ? {} : { failed }) };
}
