import { against, attempt, differenceOf, MB, memoryOf, round, sourceFingerprint, type Bench, type Measured } from './bench.ts';
import type { Figure } from './results.ts';

/** Full backups and restores from them, at each zstd level, against pgBackRest at the same. */
export async function fullRows(bench: Bench): Promise<readonly Figure[]> {
  await bench.pgBackRest.open(bench.source);
  const expected = await sourceFingerprint(bench);
  const figures: Figure[] = [];
  for (const level of bench.options.levels) {
    figures.push(...(await attempt(bench, `full, zstd-${level}`, async () => await rowsOfLevel(bench, level, expected))));
  }
  return figures;
}

async function rowsOfLevel(bench: Bench, level: number, expected: ReadonlyMap<string, string>): Promise<readonly Figure[]> {
  const backups: Record<'ours' | 'pgBackRest', Measured>[] = [];
  const restores: Record<'ours' | 'pgBackRest', Measured>[] = [];
  const bytes: { ours: number; pgBackRest: number }[] = [];
  const into = { ours: bench.peers.path('restored-ours'), pgBackRest: bench.peers.path('restored-pgbackrest') };
  let failed: string | undefined;
  for (let number = 0; number < bench.options.runs; number += 1) {
    bench.say(`full, zstd-${level}, run ${number + 1} of ${bench.options.runs}`);
    const repository = await bench.ours.repository('full');
    backups.push(
      await round(bench, number, [
        ['ours', async () => await repository.backup('full', level)],
        ['pgBackRest', async () => await bench.pgBackRest.backup('full', level)],
      ]),
    );
    bytes.push({ ours: await repository.storedBytes(), pgBackRest: await bench.pgBackRest.storedBytes() });
    await bench.pgBackRest.expire();
    bench.say('  restore');
    restores.push(
      await round(bench, number, [
        ['ours', async () => await repository.restore(into.ours)],
        ['pgBackRest', async () => await bench.pgBackRest.restore(into.pgBackRest)],
      ]),
    );
    for (const [name, directory] of Object.entries(into)) {
      const difference = await differenceOf(bench, directory, expected);
      if (difference !== undefined) failed ??= `run ${number + 1}, ${name}: ${difference}`;
    }
    await repository.remove();
  }
  const target = { kind: 'ratio-at-most' } as const;
  const failure = failed === undefined ? {} : { failed };
  const seconds = ({ seconds }: Measured): number => seconds;
  return [
    {
      name: `full, zstd-${level}`,
      unit: 's',
      ...against(backups, 'pgBackRest', seconds),
      target: { ...target, limit: 1.1, goal: 1 },
      ...failure,
    },
    {
      name: `bytes of the full, zstd-${level}`,
      unit: 'MB',
      ...against(bytes, 'pgBackRest', (each) => each / MB),
      target: { ...target, limit: 1.05 },
      ...failure,
    },
    {
      name: `restore of the full, zstd-${level}`,
      unit: 's',
      ...against(restores, 'pgBackRest', seconds),
      target: { ...target, limit: 1 },
      ...failure,
    },
    memoryOf(`memory of the full, zstd-${level}`, backups),
    memoryOf(`memory of its restore, zstd-${level}`, restores),
  ];
}
