import type { Sql } from 'postgres';
import { findCluster } from '../../backup/lineage-inspect.ts';
import type { Retention } from '../../backup/expire/retention.ts';
import { planLineage } from '../../backup/expire/run.ts';
import { firstMade } from '../../backup/lineage-times-inspect.ts';
import { isDbadminError, messageOf } from '../../base/errors.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import { DEFAULT_GRACE_MS } from '../../repository/collection-plan.ts';
import { inspectClusters, type ClusterIdentity } from '../../repository/identity.ts';
import type { Repository } from '../../repository/repository.ts';
import { findRetention } from '../backup/retention-policy.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { openRepository } from '../open-repository.ts';
import { ownLineage } from '../own-lineage.ts';
import { countOf, inspectOthers, sentencesOf, unreadManifests, type OtherLineage } from './other-lineages.ts';

const DAY_MS = 86_400_000;
const PERIOD_MS = { hourly: DAY_MS / 24, daily: DAY_MS, weekly: 7 * DAY_MS, monthly: 31 * DAY_MS, yearly: 366 * DAY_MS } as const;

/** Until when one repository's backups hold what is erased now. */
export interface BackupMemory {
  readonly repository: string;
  readonly backups: number;
  /** The latest moment, when backups go on as before; undefined when none is known or there are no backups. */
  readonly endsAt: Date | undefined;
  /** A sentence. */
  readonly said: string;
}

/** What a person who is forgotten has to be told of each repository of the cluster, which `sql` is connected to. */
export async function backupMemories(
  sql: Sql,
  context: CommandContext,
  input: CommandInput,
  config: Config,
  cluster: ClusterConfig,
): Promise<readonly BackupMemory[]> {
  const memories: BackupMemory[] = [];
  for (const name of cluster.repositories) {
    const unknown = (said: string): BackupMemory => ({ repository: name, backups: 0, endsAt: undefined, said });
    try {
      const place = config.repositories.get(name);
      if (place === undefined) continue;
      const repository = await openRepository(context, place);
      try {
        const retention = await findRetention(context, input, cluster.name, name);
        const own = await findOwn(sql, input, cluster, repository);
        const { memory, firstAt } =
          own === undefined
            ? { memory: unknown(NONE), firstAt: undefined }
            : await lineageMemory(context, name, repository, own, retention);
        const { clusters, damaged } = await inspectClusters(repository);
        const since = firstAt ?? (await serverStart(sql));
        const others = await inspectOthers(repository, clusters, { config, cluster, place: name, own, since, now: context.clock.now() });
        const unread = damaged.map(({ key }) => key);
        const said = sentencesOf(others, { name: cluster.name, hasOwn: firstAt !== undefined });
        memories.push(withOthers(withUnread(memory, unread), others, said));
      } finally {
        await repository.store.close();
      }
    } catch (error) {
      if (isDbadminError(error, 'interrupted')) throw error;
      memories.push(unknown(isDbadminError(error, 'repository-missing') ? NONE : `It could not be asked: ${messageOf(error)}.`));
    }
  }
  return memories;
}

const NONE = 'It holds no backups of this cluster.';

/**
 * The cluster's own lineage by the identifier of its server, since the name may have been changed and another cluster may have had it; undefined
 * where there is none.
 */
async function findOwn(
  sql: Sql,
  input: CommandInput,
  cluster: ClusterConfig,
  repository: Repository,
): Promise<ClusterIdentity | undefined> {
  try {
    const [may] = await sql<{ may: boolean }[]>`select has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may`;
    if (may?.may !== true) return await ownLineage(input, cluster, repository, { isSure: true });
    const [row] = await sql<{ system: string }[]>`select system_identifier::text as system from pg_catalog.pg_control_system()`;
    return await findCluster(repository, cluster.name, row?.system);
  } catch (error) {
    if (isDbadminError(error, 'backup-missing')) return undefined;
    throw error;
  }
}

async function lineageMemory(
  context: CommandContext,
  name: string,
  repository: Repository,
  lineage: ClusterIdentity,
  retention: Retention | undefined,
): Promise<{ readonly memory: BackupMemory; readonly firstAt: Date | undefined }> {
  const options = { graceMs: DEFAULT_GRACE_MS, clock: context.clock, log: context.log, signal: context.signal };
  const { inspection, backups } = await planLineage(repository, lineage, { ...options, retention: retention ?? KEEP_ALL });
  const times = [...inspection.backups.map(({ storedAt }) => storedAt), ...inspection.dumps.map(({ storedAt }) => storedAt)];
  const held = backups.some(({ reasons }) => reasons.some(({ kind }) => kind === 'hold'));
  const firstAt = firstMade([
    ...inspection.backups.map(({ summary, storedAt }) => ({ saidAt: new Date(summary.finishedAt), storedAt })),
    ...inspection.dumps.map(({ startedAt, storedAt }) => ({ saidAt: startedAt, storedAt })),
  ]);
  const unread = inspection.damaged.length;
  return { memory: describe(name, times, retention, { held, unread, dumps: inspection.dumps.length > 0 }), firstAt };
}

/** Of a server without a backup: whatever pg_upgrade it came from was before it started. */
async function serverStart(sql: Sql): Promise<Date> {
  const [row] = await sql<{ ms: number }[]>`select extract(epoch from pg_catalog.pg_postmaster_start_time())::float8 * 1000 as ms`;
  return new Date(row?.ms ?? Number.NaN);
}

function withOthers(memory: BackupMemory, others: readonly OtherLineage[], sentences: readonly string[]): BackupMemory {
  if (others.length === 0) return memory;
  return { ...memory, backups: memory.backups + countOf(others), endsAt: undefined, said: [memory.said, ...sentences].join(' ') };
}

/** What cannot be read says neither which cluster it is of nor under which name the cluster's own lineage began: one of before a pg_upgrade may be there. */
function withUnread(memory: BackupMemory, keys: readonly string[]): BackupMemory {
  if (keys.length === 0) return memory;
  const said = `${memory.said} Which cluster ${keys.join(', ')} is of cannot be read: backups of before a pg_upgrade may hold the rows, too.`;
  return { ...memory, endsAt: undefined, said };
}

const KEEP_ALL: Retention = {
  windowMs: undefined,
  keep: { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
  minimum: 1,
  dumps: undefined,
  timeZone: 'UTC',
};

function describe(
  repository: string,
  times: readonly Date[],
  retention: Retention | undefined,
  { held, unread, dumps }: { readonly held: boolean; readonly unread: number; readonly dumps: boolean },
): BackupMemory {
  const newest = times.toSorted((a, b) => a.getTime() - b.getTime()).at(-1);
  const known = { repository, backups: times.length };
  const forever = (why: string): BackupMemory => ({ ...known, endsAt: undefined, said: `Its backups keep the rows: ${why}.` });
  if (unread > 0) return forever(unreadManifests(unread));
  if (newest === undefined) return { ...known, endsAt: undefined, said: NONE };
  if (retention === undefined) return forever('no policy says when they expire');
  if (held) return forever('some are held until the hold is released');
  if (dumps && retention.dumps === undefined) return forever('no policy says when dumps expire');
  const endsAt = lastExpiry(newest, times, retention);
  return {
    ...known,
    endsAt,
    said: `The last backup that holds the rows expires by ${endsAt.toISOString().slice(0, 10)}, if backups go on as before.`,
  };
}

/** When the last rule lets a backup of `newest` go: counted from it, with backups as far apart as they have been. */
export function lastExpiry(newest: Date, times: readonly Date[], retention: Retention): Date {
  const order = times.map((time) => time.getTime()).toSorted((a, b) => a - b);
  const apartMs = Math.max(DAY_MS, ...order.slice(1).map((time, index) => time - (order[index] ?? time)));
  const { windowMs, keep, minimum, dumps } = retention;
  const spans = [
    // The newest from before the window stays until the next one is as old.
    windowMs === undefined ? 0 : windowMs + apartMs,
    Math.max(keep.last, minimum, dumps ?? 0) * apartMs,
    ...Object.entries(PERIOD_MS).map(([period, lengthMs]) => keep[period as keyof typeof PERIOD_MS] * lengthMs),
  ];
  return new Date(newest.getTime() + Math.max(...spans));
}
