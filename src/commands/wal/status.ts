import { describeGap } from '../../backup/gaps.ts';
import { inspectLineage } from '../../backup/lineage-inspect.ts';
import { inspectRecovery } from '../../backup/recovery-inspect.ts';
import { repositoryWal, type RepositoryWal } from '../../backup/wal/status.ts';
import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { messageOf } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { judgeArchived } from '../../status/conditions-wal.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { ownLineage } from '../own-lineage.ts';
import { inspectDelivery, type Delivery } from './delivery.ts';
import { openDestinations } from './destinations.ts';

/** 0 when all is as it should be, 2 when somebody should look. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const delivery = await inspectDelivery(context, input, cluster);
  const { mode, slot, writtenLsn } = delivery;
  output.line(`${cluster.name}   ${delivery.text}`);
  const opened = await openDestinations(context, input, config, cluster);
  const repositories: object[] = [];
  let isWell = delivery.isWell;
  try {
    for (const { name, required, open } of opened.destinations) {
      try {
        const repository = await open();
        const facts = await inspectRecovery(
          repository,
          await inspectLineage(repository, cluster.name, (await ownLineage(input, cluster, repository)).systemIdentifier),
        );
        const now = context.clock.now();
        const state = repositoryWal(facts, writtenLsn, now);
        const behind = judgeBehind(delivery, name, state, now);
        showRepository(context, name, required, state, mode);
        if (behind !== undefined) output.line(`  ${output.style('bad', behind)}`);
        // Where none is kept the last backup or dump is what there is, and the plan is followed.
        isWell &&= mode === 'none' || (state.exposure.reason === null && behind === undefined);
        repositories.push({ ...describe(name, required, state), behind: behind ?? null });
      } catch (error) {
        output.line(`${name}   ${output.style('bad', messageOf(error))}`);
        isWell = false;
        repositories.push({ name, required, error: messageOf(error) });
      }
    }
  } finally {
    await opened.close();
  }
  output.result({
    mode,
    delivery: { isWell: delivery.isWell, text: delivery.text },
    slot: cluster.slot,
    writtenLsn: writtenLsn === undefined ? null : formatLsn(writtenLsn),
    isReceiving: slot?.isActive ?? false,
    walStatus: slot?.walStatus ?? null,
    keptBytes: slot?.keptBytes ?? null,
    repositories,
  });
  return isWell ? 0 : 2;
}

/** Why what is archived is not in a repository as it should be; undefined where it is. */
function judgeBehind({ archiving }: Delivery, name: string, { lagBytes, lagMs }: RepositoryWal, now: Date): string | undefined {
  if (archiving === undefined || lagBytes === null) return undefined;
  const { server, limits } = archiving;
  const { state, what } = judgeArchived(name, { bytes: Number(lagBytes), spanMs: lagMs ?? undefined }, server, limits, now);
  return state === 'bad' ? what : undefined;
}

function showRepository(context: CommandContext, name: string, required: boolean, state: RepositoryWal, mode: Delivery['mode']): void {
  const { output } = context;
  const stored = state.storedLsn === null ? 'no WAL' : `stored up to ${formatLsn(state.storedLsn)} on timeline ${state.timeline}`;
  const lag = [
    ...(state.lagBytes === null ? [] : [formatBytes(Number(state.lagBytes))]),
    ...(state.lagMs === null ? [] : [formatDuration(state.lagMs)]),
  ].join(', ');
  output.line(`${name}${required ? '' : ' (not required)'}   ${stored}${lag === '' ? '' : `   behind by ${lag}`}`);
  if (mode !== 'none') output.line(`  if this host vanished now: ${describeLoss(state)}`);
  for (const gap of state.gaps) output.line(`  gap ${gap.fromLsn} → ${gap.toLsn} on timeline ${gap.timeline}: ${describeGap(gap)}`);
}

function describeLoss({ exposure }: RepositoryWal): string {
  const loss = exposure.lossMs === null ? undefined : `lose ≤ ${formatDuration(exposure.lossMs)}`;
  switch (exposure.reason) {
    case 'nothing-restorable':
      return 'everything is lost, there is no backup that can be restored. Take one: dbadmin backup run';
    case 'gap-since-backup':
      return `${loss ?? 'lose all'} since the gap: nothing after it can be restored until the next backup. Take one: dbadmin backup run`;
    case 'moment-unknown':
      return 'lose what came after the last stored WAL; nothing tells its time yet';
    case null:
      return loss ?? 'unknown';
    default:
      return exposure.reason satisfies never;
  }
}

function describe(name: string, required: boolean, state: RepositoryWal): object {
  return {
    name,
    required,
    timeline: state.timeline,
    storedLsn: state.storedLsn === null ? null : formatLsn(state.storedLsn),
    lagBytes: state.lagBytes,
    lagMs: state.lagMs,
    lossMs: state.exposure.lossMs,
    coveredUntil: state.exposure.coveredUntil,
    reason: state.exposure.reason,
    gaps: state.gaps,
  };
}
