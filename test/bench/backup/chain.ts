import { differenceOf, memoryOf, round, sourceFingerprint, type Bench, type Measured } from './bench.ts';
import type { OurRepository } from './ours.ts';
import type { Ended } from './processes.ts';
import type { Figure } from './results.ts';

type Restores = 'ours' | 'of a full';

/** A restore after many incrementals against a restore of a full backup of the same state, both ours. */
export async function chainRows(bench: Bench): Promise<readonly Figure[]> {
  const { options, source } = bench;
  const level = Math.max(...options.levels);
  await source.archiveTo('/bin/true');
  const chain = await bench.ours.repository('chain');
  const fresh = await bench.ours.repository('fresh');
  await chain.backup('full', level);
  const increments: Ended[] = [];
  /** What was there when some of them were taken, by their labels. */
  const earlier = new Map<string, ReadonlyMap<string, string>>();
  for (let number = 0; number < options.chainLength; number += 1) {
    await source.work(options.transactions);
    const taken = await chain.backup('incremental', level);
    increments.push(taken);
    bench.say(`chain, incremental ${number + 1} of ${options.chainLength}: ${taken.seconds.toFixed(2)} s`);
    if ((number + 1) % options.restoreEvery === 0) earlier.set(taken.label, await sourceFingerprint(bench));
  }
  await fresh.backup('full', level);
  const expected = await sourceFingerprint(bench);
  const restores: Record<Restores, Measured>[] = [];
  let failed: string | undefined;
  for (let number = 0; number < options.runs; number += 1) {
    bench.say(`restore after ${options.chainLength} incrementals, run ${number + 1} of ${options.runs}`);
    const into = { ours: bench.peers.path('restored-chain'), 'of a full': bench.peers.path('restored-fresh') };
    restores.push(
      await round<Restores>(bench, number, [
        ['ours', async () => await chain.restore(into.ours)],
        ['of a full', async () => await fresh.restore(into['of a full'])],
      ]),
    );
    for (const [name, directory] of Object.entries(into)) {
      const difference = await differenceOf(bench, directory, expected);
      if (difference !== undefined) failed ??= `run ${number + 1}, ${name}: ${difference}`;
    }
  }
  const wrong = await differencesOf(bench, chain, earlier);
  if (!options.keep) {
    await chain.remove();
    await fresh.remove();
  }
  const name = `restore after ${options.chainLength} incrementals`;
  return [
    {
      name,
      unit: 's',
      ours: restores.map(({ ours }) => ours.seconds),
      peer: { name: 'ours, of a full', values: restores.map((each) => each['of a full'].seconds) },
      target: { kind: 'ratio-at-most', limit: 1.1 },
      ...(failed === undefined ? {} : { failed }),
    },
    {
      name: 'incrementals of that chain',
      unit: 's',
      ours: increments.map(({ seconds }) => seconds),
      ...(wrong === undefined ? {} : { failed: wrong }),
    },
    memoryOf(
      'memory of those',
      increments.map((ours) => ({ ours })),
    ),
    memoryOf(`memory of the ${name}`, restores),
  ];
}

/** Restores the backups with these labels; what is wrong with the first that does not have what it should. */
async function differencesOf(
  bench: Bench,
  chain: OurRepository,
  expected: ReadonlyMap<string, ReadonlyMap<string, string>>,
): Promise<string | undefined> {
  const into = bench.peers.path('restored-chain');
  for (const [label, rows] of expected) {
    bench.say(`restoring ${label} of the chain`);
    await chain.restore(into, label);
    const difference = await differenceOf(bench, into, rows);
    if (difference !== undefined) return `${label}: ${difference}`;
  }
  return undefined;
}
