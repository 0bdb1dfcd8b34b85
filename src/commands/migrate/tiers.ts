import path from 'node:path';
import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { countLoss, type PitrLoss } from '../../backup/find/loss-inspect.ts';
import { describeWal, inspectRestore, type Preflight } from '../../backup/restore/inspect.ts';
import { describeSuspicion } from '../../backup/suspicion.ts';
import type { InspectedRollback, RunLoss } from '../../migrate/undo/rollback-inspect.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import type { Repository } from '../../repository/repository.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { openRepository, selectRepository } from '../open-repository.ts';
import { scratchPlaces } from '../scratch-places.ts';
import { count, type MigrateProject } from './load-migrations.ts';
import { lossName } from './show-loss.ts';

export const TIERS = ['down', 'rescue', 'pitr'] as const;
export type TierName = (typeof TIERS)[number];

/** A way back: whether it can be gone, and what it costs or why it cannot. */
export interface Tier {
  readonly possible: boolean;
  /** Sentences, the most important first. */
  readonly why: readonly string[];
}

export interface Tiers extends Readonly<Record<TierName, Tier>> {
  /** What PITR loses, where it was counted. */
  readonly loss: (PitrLoss & { readonly restorePoint: string; readonly seconds: number; readonly behindBytes: number }) | undefined;
}

/** Looks which ways back there are. Nothing is written, in production or in the repository. */
export async function inspectTiers(
  context: CommandContext,
  input: CommandInput,
  project: MigrateProject,
  inspected: InspectedRollback,
): Promise<Tiers> {
  const down = downTier(inspected);
  const point = inspected.versions.at(-1)?.restorePoint;
  const noRepository = project.cluster.repositories.length === 0 && input.options['repository'] === undefined;
  if (noRepository) {
    const why = [`cluster ${project.cluster.name} has no repository with backups`];
    return { down, rescue: { possible: false, why }, pitr: { possible: false, why }, loss: undefined };
  }
  const repository = await openRepository(context, selectRepository(project.config, project.cluster, textOption(input, 'repository')));
  try {
    const reach = new Map<string, Preflight | DbadminError>();
    const points = [...inspected.losses.map(({ restorePoint }) => restorePoint), point];
    for (const each of points)
      if (each !== undefined && !reach.has(each.name)) reach.set(each.name, await tryReach(context, input, project, repository, each.name));
    const rescue = rescueTier(inspected, reach);
    return { down, rescue, ...(await pitrTier(context, input, project, inspected, repository, reach)) };
  } finally {
    await repository.store.close();
  }
}

function downTier({ undo: { plan }, losses }: InspectedRollback): Tier {
  if (plan.refused.length > 0) return { possible: false, why: plan.refused.map(({ applied, reason }) => `${applied.name}: ${reason}`) };
  const statements = plan.steps.reduce((sum, { parsed }) => sum + parsed.statements.length, 0);
  const names = losses.map(({ loss }) => lossName(loss));
  const keeps = names.length === 0 ? [] : [`does not bring back ${names.join(', ')}: rescue first, then down`];
  return {
    possible: true,
    why: [`${count(plan.steps.length, 'version')} by their down sections, ${count(statements, 'statement')}`, ...keeps],
  };
}

/** A restore to the point, as far as it can be planned; or why it cannot be done. */
async function tryReach(
  context: CommandContext,
  input: CommandInput,
  { cluster }: MigrateProject,
  repository: Repository,
  name: string,
): Promise<Preflight | DbadminError> {
  const [place = '/tmp'] = scratchPlaces(context, input);
  try {
    return await inspectRestore({
      repository,
      clusterName: cluster.name,
      systemIdentifier: undefined,
      target: { kind: 'name', name },
      exclusive: false,
      backup: undefined,
      // Whether that will do is for whoever goes back to say: each way tells of it.
      acceptsSuspect: true,
      timeline: undefined,
      dataDirectory: path.join(place, `dbadmin-rollback-${process.pid}`),
      tablespaces: new Map(),
    });
  } catch (error) {
    if (isDbadminError(error)) return error;
    throw error;
  }
}

function rescueTier(inspected: InspectedRollback, reach: ReadonlyMap<string, Preflight | DbadminError>): Tier {
  const losses = inspected.losses.filter(({ madeByRun }) => !madeByRun);
  if (losses.length === 0)
    return {
      possible: false,
      why: [
        inspected.losses.length > 0
          ? 'what was taken away had been made by the same run, after its restore point'
          : 'the applied statements took nothing away, as far as their text tells (name tables with --objects table:schema.name)',
      ],
    };
  const why: string[] = [];
  let possible = true;
  for (const runId of new Set(losses.map((each) => each.runId))) {
    const mine = losses.filter((each) => each.runId === runId);
    const reached = reachOf(mine[0], reach);
    if (typeof reached === 'string' || reached instanceof DbadminError) {
      possible = false;
      why.push(typeof reached === 'string' ? reached : reasonOf(reached));
    } else {
      why.push(`${mine.map(({ loss }) => lossName(loss)).join(', ')} into schema ${rescueSchema(runId)}, from ${costOf(reached)}`);
      why.push(...doubtsOf(reached));
    }
  }
  return {
    possible,
    why: possible
      ? [...why, 'the migrations stay applied; what was written to the lost things between restore point and loss is not in it']
      : why,
  };
}

function reachOf(each: RunLoss | undefined, reach: ReadonlyMap<string, Preflight | DbadminError>): Preflight | DbadminError | string {
  if (each?.restorePoint === undefined) return `no restore point was set before run ${each?.runId.slice(0, 8) ?? ''}`;
  return reach.get(each.restorePoint.name) ?? 'not looked at';
}

async function pitrTier(
  context: CommandContext,
  input: CommandInput,
  { cluster }: MigrateProject,
  inspected: InspectedRollback,
  repository: Repository,
  reach: ReadonlyMap<string, Preflight | DbadminError>,
): Promise<{ readonly pitr: Tier; readonly loss: Tiers['loss'] }> {
  const oldest = inspected.versions.at(-1);
  const point = oldest?.restorePoint;
  if (point === undefined)
    return { pitr: { possible: false, why: [`no restore point was set before ${oldest?.name ?? 'it'}`] }, loss: undefined };
  const reached = reach.get(point.name);
  if (reached === undefined || reached instanceof DbadminError)
    return { pitr: { possible: false, why: [reached === undefined ? 'not looked at' : reasonOf(reached)] }, loss: undefined };
  const undone = new Set(inspected.versions.map(({ version }) => version));
  const alsoGone = inspected.runs.find(({ runId }) => runId === oldest?.runId)?.versions.filter((version) => !undone.has(version)) ?? [];
  const doubts = doubtsOf(reached).map((doubt) => `${doubt} The restore asks for --accept-suspect.`);
  const more =
    alsoGone.length === 0 ? [] : [`${alsoGone.join(', ')} of the same run would be undone with it, and have to be applied again`];
  const why = [`the whole cluster as at restore point ${point.name}, in a new directory, from ${costOf(reached)}`, ...doubts, ...more];
  if (input.options['count'] === false)
    return { pitr: { possible: true, why: [...why, 'what it loses was not counted (--no-count)'] }, loss: undefined };
  const { contents, lineage } = reached;
  const counted = await countLoss({
    repository,
    contents,
    lineage,
    signal: context.signal,
    database: cluster.connection.database,
    restorePoint: point,
    own: new Set(inspected.runs.flatMap(({ xids }) => xids)),
  });
  const seconds = Math.max(0, (context.clock.now().getTime() - counted.at.getTime()) / 1000);
  const behind = parseLsn(inspected.currentLsn) - counted.untilLsn;
  const loss = { ...counted, restorePoint: point.name, seconds, behindBytes: behind > 0n ? Number(behind) : 0 };
  return { pitr: { possible: true, why: [...why, ...describeLosses(loss)] }, loss };
}

function describeLosses(loss: NonNullable<Tiers['loss']>): readonly string[] {
  const rows = ({ inserted, updated, deleted }: Pick<PitrLoss, 'inserted' | 'updated' | 'deleted'>): string =>
    `${number(inserted)} inserted, ${number(updated)} updated, ${number(deleted)} deleted`;
  const tables = loss.tables.slice(0, 10).map((each) => `  ${each.database}: ${each.schema}.${each.table}   ${rows(each)}`);
  const further = loss.tables.length > 10 ? [`  and ${loss.tables.length - 10} more tables (--json)`] : [];
  const behind =
    loss.behindBytes === 0
      ? []
      : [`counted up to ${formatLsn(loss.untilLsn)}, where the stored WAL ends; ${formatBytes(loss.behindBytes)} later are not in it yet`];
  return [
    `loses ${formatDuration(loss.seconds * 1000)} of the whole cluster: ${count(loss.commits, 'commit')} of others that changed ${count(loss.tables.length, 'table')}, rows ${rows(loss)}`,
    ...tables,
    ...further,
    `and ${count(loss.otherCommits, 'other commit')} without rows; ${count(loss.own.commits, 'commit')} of the migrations themselves (${rows(loss.own)}) are meant to go`,
    ...behind,
  ];
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function costOf(preflight: Preflight): string {
  return `${preflight.resolution.backup.label} (${formatBytes(preflight.layout.totalBytes)}; WAL ${describeWal(preflight)})`;
}

function doubtsOf({ resolution, suspicion }: Preflight): readonly string[] {
  return suspicion === undefined ? [] : [`${resolution.backup.label} is suspect. ${describeSuspicion(suspicion)}`];
}

function reasonOf({ message, detail }: DbadminError): string {
  return detail === undefined ? message : `${message}: ${detail.replaceAll('\n', ' ')}`;
}

/** The schema that a run's rescued things go into. */
export function rescueSchema(runId: string): string {
  return `rescue_${runId.slice(0, 8)}`;
}
