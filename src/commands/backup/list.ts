import { formatBytes } from '../../base/bytes.ts';
import { brokenBackups } from '../../backup/broken.ts';
import { readProofs } from '../../backup/drill/record.ts';
import { inspectLineage } from '../../backup/lineage-inspect.ts';
import { formatMoment } from '../../backup/restore/target.ts';
import { readStanding } from '../../backup/verify/record.ts';
import { isInForce, listHolds, type Hold } from '../../repository/holds.ts';
import type { Repository } from '../../repository/repository.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { damagedJson } from './recovery-json.ts';
import { stateOf, suspicionJson, warnOfBroken, warnOfMismatches, warnOfUnjudged } from './show-proofs.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { config, cluster } = await loadProject(context, input);
  const repository = selectRepository(config, cluster, textOption(input, 'repository'));
  const opened = await openRepository(context, repository);
  try {
    const {
      backups,
      damaged,
      suspicions,
      cluster: identity,
    } = await inspectLineage(opened, cluster.name, textOption(input, 'systemIdentifier'));
    const now = context.clock.now();
    const proofs = await readProofs(opened, identity.systemIdentifier, now);
    const broken = brokenBackups(backups, await readStanding(opened, identity.systemIdentifier));
    const held = await heldBackups(opened, identity.systemIdentifier, now);
    if (backups.length === 0) context.output.line(`no backups of ${cluster.name} in ${repository.name}`);
    else {
      context.output.table(
        [
          'label',
          'kind',
          'ended',
          { head: 'database', align: 'right' },
          { head: 'stored', align: 'right' },
          'needs WAL',
          'timeline',
          'state',
        ],
        backups.map((backup) => [
          backup.label,
          backup.kind,
          formatMoment(new Date(backup.finishedAt)),
          formatBytes(backup.plainBytes),
          formatBytes(backup.storedBytes),
          `${backup.startLsn} → ${backup.stopLsn}`,
          String(backup.stopTimeline),
          stateOf(backup, { proofs, suspicions, broken }, now),
        ]),
      );
    }
    warnOfMismatches(context.output, suspicions);
    warnOfUnjudged(context.output, suspicions);
    warnOfBroken(context.output, broken);
    context.output.result({
      repository: repository.name,
      damaged: damagedJson(damaged),
      backups: backups.map((backup) => ({
        ...backup,
        brokenBy: broken.get(backup.label) ?? null,
        suspicion: suspicionJson(suspicions.byLabel.get(backup.label)),
        proven: proofs.provenBy(backup) ?? null,
        holds: held.get(backup.label) ?? [],
      })),
      unjudged: suspicions.unjudged,
    });
    return 0;
  } finally {
    await opened.store.close();
  }
}

/** What keeps backups whatever retention says, by label. */
async function heldBackups(repository: Repository, systemIdentifier: string, now: Date): Promise<ReadonlyMap<string, readonly object[]>> {
  const held = new Map<string, object[]>();
  for (const hold of await listHolds(repository, systemIdentifier)) {
    if (isInForce(hold, [now])) held.set(hold.label, [...(held.get(hold.label) ?? []), holdJson(hold)]);
  }
  return held;
}

function holdJson({ reason, until, placedAt, by }: Hold): object {
  return { reason, until, placedAt, by };
}
