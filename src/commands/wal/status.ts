import { describeGap } from '../../backup/gaps.ts';
import { inspectLineage } from '../../backup/lineage-inspect.ts';
import { inspectRecovery } from '../../backup/recovery-inspect.ts';
import { inspectServerWal, type ServerWal } from '../../backup/wal/server-inspect.ts';
import { repositoryWal, type RepositoryWal } from '../../backup/wal/status.ts';
import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { messageOf } from '../../base/errors.ts';
import type { ClusterConfig } from '../../config/config.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { ownLineage } from '../own-lineage.ts';
import { openDestinations } from './destinations.ts';

/** 0 when all is as it should be, 2 when somebody should look. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const server = await askServer(context, cluster);
  const slotNote = describeSlot(server);
  output.line(`${cluster.name}   slot ${cluster.slot}: ${slotNote.text}`);
  const opened = await openDestinations(context, input, config, cluster);
  const repositories: object[] = [];
  let isWell = slotNote.isWell;
  try {
    for (const { name, required, open } of opened.destinations) {
      try {
        const repository = await open();
        const facts = await inspectRecovery(
          repository,
          await inspectLineage(repository, cluster.name, (await ownLineage(input, cluster, repository)).systemIdentifier),
        );
        const state = repositoryWal(facts, server?.writtenLsn, context.clock.now());
        showRepository(context, name, required, state);
        isWell &&= state.exposure.reason === null;
        repositories.push(describe(name, required, state));
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
    slot: cluster.slot,
    writtenLsn: server === undefined ? null : formatLsn(server.writtenLsn),
    isReceiving: server?.slot?.isActive ?? false,
    walStatus: server?.slot?.walStatus ?? null,
    keptBytes: server?.slot?.keptBytes ?? null,
    repositories,
  });
  return isWell ? 0 : 2;
}

async function askServer(context: CommandContext, cluster: ClusterConfig): Promise<ServerWal | undefined> {
  try {
    return await inspectServerWal(cluster.connection, cluster.slot);
  } catch (error) {
    context.log.warn(`the server cannot be asked: ${messageOf(error)}`);
    return undefined;
  }
}

function describeSlot(server: ServerWal | undefined): { readonly text: string; readonly isWell: boolean } {
  if (server === undefined) return { text: 'unknown, the server does not answer', isWell: false };
  const { slot } = server;
  if (slot === undefined) return { text: 'not there: nobody receives WAL. Start dbadmin wal receive', isWell: false };
  if (slot.walStatus === 'lost')
    return { text: 'lost: the server removed WAL that was not stored. wal receive makes it anew', isWell: false };
  const kept = slot.keptBytes === null ? '' : `, the server keeps ${formatBytes(Number(slot.keptBytes))} for it`;
  return {
    text: `${slot.isActive ? 'received' : 'nobody receives'}${kept}, WAL at ${formatLsn(server.writtenLsn)}`,
    isWell: slot.isActive,
  };
}

function showRepository(context: CommandContext, name: string, required: boolean, state: RepositoryWal): void {
  const { output } = context;
  const stored = state.storedLsn === null ? 'no WAL' : `stored up to ${formatLsn(state.storedLsn)} on timeline ${state.timeline}`;
  const lag = [
    ...(state.lagBytes === null ? [] : [formatBytes(Number(state.lagBytes))]),
    ...(state.lagMs === null ? [] : [formatDuration(state.lagMs)]),
  ].join(', ');
  output.line(`${name}${required ? '' : ' (not required)'}   ${stored}${lag === '' ? '' : `   behind by ${lag}`}`);
  output.line(`  if this host vanished now: ${describeLoss(state)}`);
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
