import { inspectServerWal } from '../../backup/wal/server-inspect.ts';
import type { SlotState } from '../../backup/wal/status.ts';
import { formatBytes } from '../../base/bytes.ts';
import { reasonOf } from '../../base/errors.ts';
import type { ClusterConfig } from '../../config/config.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { judgeServerWal } from '../../status/conditions-wal.ts';
import type { Known, Limits, ServerFacts } from '../../status/facts.ts';
import { inspectServer } from '../../status/server-inspect.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { findPolicies } from '../schedule/load-policies.ts';
import { attempt } from '../status/attempt.ts';
import { limitsOf } from '../status/limits.ts';

/** How the WAL of a cluster comes into its repositories, and whether it does. */
export interface Delivery {
  readonly mode: 'stream' | 'archive' | 'none' | 'unknown';
  readonly text: string;
  readonly isWell: boolean;
  /** Where the server's WAL ends; undefined where it does not answer. */
  readonly writtenLsn: bigint | undefined;
  /** Of the receiver; undefined where there is none. */
  readonly slot: SlotState | undefined;
  /** Where the server archives: by what the repositories are judged, too. */
  readonly archiving: { readonly server: ServerFacts; readonly limits: Limits } | undefined;
}

/** By `wal.mode` of the policies; where they say nothing WAL is to be received, and where they cannot be read nobody knows. */
export async function inspectDelivery(context: CommandContext, input: CommandInput, cluster: ClusterConfig): Promise<Delivery> {
  const { policies, problem } = await findPolicies(context, input);
  // Having none is no fault.
  if (problem !== undefined && problem.code !== 'config-missing') return await inspectUnknown(context, cluster, reasonOf(problem));
  const limits = limitsOf([...(policies?.policies.values() ?? [])].filter((policy) => policy.cluster === cluster.name));
  return limits.walMode === undefined || limits.walMode === 'stream'
    ? await inspectReceived(context, cluster, limits.walMode)
    : await inspectArchived(context, cluster, limits, limits.walMode);
}

/** The slot is told of, and nothing is advised: a slot that is wrongly made keeps WAL on the server. */
async function inspectUnknown(context: CommandContext, cluster: ClusterConfig, why: string): Promise<Delivery> {
  const { text, ...received } = await inspectReceived(context, cluster, 'unknown');
  return { ...received, mode: 'unknown', text: `what the policies say of WAL is not known: ${why}\n  ${text}`, isWell: false };
}

async function inspectReceived(context: CommandContext, cluster: ClusterConfig, walMode: Limits['walMode'] | 'unknown'): Promise<Delivery> {
  const asked = await attempt(async () => await inspectServerWal(cluster.connection, cluster.slot));
  if (asked.kind === 'unknown') context.log.warn(`the server cannot be asked: ${asked.why}`);
  const server = asked.kind === 'known' ? asked.value : undefined;
  const { text, isWell } = describeSlot(server, walMode);
  const common = { mode: 'stream', text: `slot ${cluster.slot}: ${text}`, isWell, archiving: undefined } as const;
  return { ...common, writtenLsn: server?.writtenLsn, slot: server?.slot };
}

function describeSlot(
  server: { readonly writtenLsn: bigint; readonly slot: SlotState | undefined } | undefined,
  mode: Limits['walMode'] | 'unknown',
): Pick<Delivery, 'text' | 'isWell'> {
  if (server === undefined) return { text: 'unknown, the server does not answer', isWell: false };
  const { slot } = server;
  if (slot === undefined) {
    if (mode === 'unknown') return { text: 'not there', isWell: false };
    const other = mode === undefined ? ', or say wal: { mode: archive } in its policy where archive_command stores it' : '';
    return { text: `not there: nobody receives WAL. Start dbadmin wal receive${other}`, isWell: false };
  }
  if (slot.walStatus === 'lost')
    return {
      text: `lost: the server removed WAL that was not stored${mode === 'unknown' ? '' : '. wal receive makes it anew'}`,
      isWell: false,
    };
  const kept = slot.keptBytes === null ? '' : `, the server keeps ${formatBytes(Number(slot.keptBytes))} for it`;
  return {
    text: `${slot.isActive ? 'received' : 'nobody receives'}${kept}, WAL at ${formatLsn(server.writtenLsn)}`,
    isWell: slot.isActive,
  };
}

/** Judged as status does it: no slot is wanted, and one that somebody left keeps WAL on the server. */
async function inspectArchived(
  context: CommandContext,
  cluster: ClusterConfig,
  limits: Limits,
  mode: 'archive' | 'none',
): Promise<Delivery> {
  const server: Known<ServerFacts> = await attempt(async () => await inspectServer(cluster.connection, cluster.slot, context.clock));
  const common = { mode, slot: undefined };
  if (server.kind === 'unknown') {
    context.log.warn(`the server cannot be asked: ${server.why}`);
    const text = `wal.mode ${mode}: unknown, the server does not answer`;
    return { ...common, text, isWell: false, writtenLsn: undefined, archiving: undefined };
  }
  const { name } = cluster;
  const conditions = judgeServerWal({ name, place: '', server, repositories: [], limits, migrations: undefined, roles: undefined });
  const bad = conditions.filter(({ state }) => state === 'bad');
  const what = bad.length > 0 ? bad.map((each) => `${each.what}\n  ${each.next}`).join('\n  ') : wellText(mode, server.value);
  return {
    ...common,
    text: `wal.mode ${mode}: ${what}`,
    isWell: bad.length === 0,
    writtenLsn: server.value.writtenLsn,
    archiving: mode === 'archive' ? { server: server.value, limits } : undefined,
  };
}

function wellText(mode: 'archive' | 'none', { writtenLsn, isStandby }: ServerFacts): string {
  const at = `WAL at ${formatLsn(writtenLsn)}`;
  if (mode === 'none') return `none is to be kept, ${at}`;
  return isStandby ? `a standby, whose primary archives, ${at}` : `archive_command succeeds, ${at}`;
}
