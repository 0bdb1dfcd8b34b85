import { MB, type Bench, type Measured } from './bench.ts';
import { Ours } from './ours.ts';
import type { Figure } from './results.ts';
import { Source } from './source.ts';

const SMALL_BYTES = 2.3e9;
/** What the peak of a process may differ by without anything of it growing with the database: the collector's timing. */
const FLAT = 1.2;

/** The memory of backup and restore at the size asked for against that at the usual one; nothing when both are the same. */
export async function memoryRows(bench: Bench): Promise<readonly Figure[]> {
  const { options, peers } = bench;
  if (options.sizeBytes < 1.5 * SMALL_BYTES) return [];
  bench.say(`memory: loading ${SMALL_BYTES / 1e9} GB to compare with`);
  const large = await peaks(bench, bench.ours);
  const small = await Source.open(peers, 'small', SMALL_BYTES);
  try {
    const { cli, profileDirectory } = options;
    const little = await peaks(bench, new Ours({ cli, peers, server: small.server, profileDirectory }));
    return (['full', 'restore'] as const).map((name) => ({
      name: `memory at ${options.sizeBytes / 1e9} GB, ${name}`,
      unit: 'MB',
      ours: large.map((each) => each[name].peakRssBytes / MB),
      peer: { name: `ours at ${SMALL_BYTES / 1e9} GB`, values: little.map((each) => each[name].peakRssBytes / MB) },
      target: { kind: 'ratio-at-most', limit: FLAT },
    }));
  } finally {
    await small.server.stop();
    await peers.remove('small');
  }
}

async function peaks(bench: Bench, ours: Ours): Promise<readonly Record<'full' | 'restore', Measured>[]> {
  const measured: Record<'full' | 'restore', Measured>[] = [];
  for (let number = 0; number < bench.options.runs; number += 1) {
    const repository = await ours.repository('memory');
    const full = await repository.backup('full', 1);
    const restore = await repository.restore(bench.peers.path('restored-memory'));
    measured.push({ full, restore });
    await repository.remove();
  }
  return measured;
}
