import { findCluster } from '../../backup/lineage-inspect.ts';
import type { Retention } from '../../backup/expire/retention.ts';
import { planLineage } from '../../backup/expire/run.ts';
import { isDbadminError, messageOf } from '../../base/errors.ts';
import type { ClusterConfig, Config } from '../../config/config.ts';
import { DEFAULT_GRACE_MS } from '../../repository/collection-plan.ts';
import { findRetention } from '../backup/retention-policy.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { openRepository } from '../open-repository.ts';

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

/** What a person who is forgotten has to be told of each repository of the cluster. */
export async function backupMemories(
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
        const lineage = await findCluster(repository, cluster.name);
        const options = { graceMs: DEFAULT_GRACE_MS, clock: context.clock, log: context.log, signal: context.signal };
        const { inspection, backups } = await planLineage(repository, lineage, { ...options, retention: retention ?? KEEP_ALL });
        const times = [...inspection.backups.map(({ storedAt }) => storedAt), ...inspection.dumps.map(({ storedAt }) => storedAt)];
        const held = backups.some(({ reasons }) => reasons.some(({ kind }) => kind === 'hold'));
        memories.push(describe(name, times, retention, held, inspection.dumps.length > 0));
      } finally {
        await repository.store.close();
      }
    } catch (error) {
      if (isDbadminError(error, 'interrupted')) throw error;
      const isNone = isDbadminError(error, 'repository-missing') || isDbadminError(error, 'backup-missing');
      memories.push(unknown(isNone ? 'It holds no backups of this cluster.' : `It could not be asked: ${messageOf(error)}.`));
    }
  }
  return memories;
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
  held: boolean,
  dumps: boolean,
): BackupMemory {
  const newest = times.toSorted((a, b) => a.getTime() - b.getTime()).at(-1);
  const known = { repository, backups: times.length };
  if (newest === undefined) return { ...known, endsAt: undefined, said: 'It holds no backups of this cluster.' };
  const forever = (why: string): BackupMemory => ({ ...known, endsAt: undefined, said: `Its backups keep the rows: ${why}.` });
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
