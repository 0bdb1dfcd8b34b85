import { against, differenceOf, MB, memoryOf, round, sourceFingerprint, type Bench, type Measured } from './bench.ts';
import type { Figure } from './results.ts';

type Contenders = 'ours' | 'pgBackRest' | 'pg_basebackup';
type Restorers = 'ours' | 'pgBackRest' | 'pg_combinebackup';

/** Incremental backups, each after the same work, and restores of each; every one builds on its maker's one before. */
export async function incrementalRows(bench: Bench): Promise<readonly Figure[]> {
  const { options, source, pgBackRest, baseBackups } = bench;
  // The level that the peer's figures are known at.
  const level = Math.max(...options.levels);
  await pgBackRest.open(source);
  const repository = await bench.ours.repository('incremental');
  bench.say('incremental: the full backups before');
  await repository.backup('full', level);
  await pgBackRest.backup('full', level);
  await baseBackups.full();
  const backups: Record<Contenders, Measured>[] = [];
  const restores: Record<Restorers, Measured>[] = [];
  const bytes: { ours: number; pgBackRest: number }[] = [];
  const into = {
    ours: bench.peers.path('restored-ours'),
    pgBackRest: bench.peers.path('restored-pgbackrest'),
    pg_combinebackup: bench.peers.path('combined'),
  };
  let failed: string | undefined;
  for (let number = 0; number < options.runs; number += 1) {
    bench.say(`incremental, run ${number + 1} of ${options.runs}`);
    await source.work(options.transactions);
    const expected = await sourceFingerprint(bench);
    const storedBefore = await repository.storedBytes();
    backups.push(
      await round<Contenders>(bench, number, [
        ['ours', async () => await repository.backup('incremental', level)],
        ['pgBackRest', async () => await pgBackRest.backup('incr', level)],
        ['pg_basebackup', async () => await baseBackups.incremental()],
      ]),
    );
    bytes.push({ ours: (await repository.storedBytes()) - storedBefore, pgBackRest: await pgBackRest.storedBytes() });
    bench.say('  restore');
    restores.push(
      await round<Restorers>(bench, number, [
        ['ours', async () => await repository.restore(into.ours)],
        ['pgBackRest', async () => await pgBackRest.restore(into.pgBackRest)],
        ['pg_combinebackup', async () => await baseBackups.combine(into.pg_combinebackup)],
      ]),
    );
    for (const [name, directory] of Object.entries(into)) {
      const difference = await differenceOf(bench, directory, expected);
      if (difference !== undefined) failed ??= `run ${number + 1}, ${name}: ${difference}`;
    }
  }
  await repository.remove();
  await baseBackups.remove();
  const work = `${options.transactions} × 4 transactions, zstd-${level}`;
  const target = { kind: 'ratio-at-most' } as const;
  const failure = failed === undefined ? {} : { failed };
  const seconds = ({ seconds }: Measured): number => seconds;
  return [
    {
      name: `incremental after ${work}`,
      unit: 's',
      ...against(backups, 'pgBackRest', seconds),
      target: { ...target, limit: 0.33 },
      ...failure,
    },
    {
      name: 'the same incremental',
      unit: 's',
      ...against(backups, 'pg_basebackup', seconds),
      target: { ...target, limit: 1.5 },
      ...failure,
    },
    {
      name: 'bytes of that incremental',
      unit: 'MB',
      ...against(bytes, 'pgBackRest', (each) => each / MB),
      target: { ...target, limit: 1 },
      ...failure,
    },
    {
      name: 'restore of that incremental',
      unit: 's',
      ...against(restores, 'pgBackRest', seconds),
      target: { ...target, limit: 1 },
      ...failure,
    },
    { name: 'the same restore', unit: 's', ...against(restores, 'pg_combinebackup', seconds), ...failure },
    memoryOf('memory of that incremental', backups),
    memoryOf('memory of its restore', restores),
  ];
}
