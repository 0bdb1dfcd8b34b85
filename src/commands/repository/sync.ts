import { brokenBackups } from '../../backup/broken.ts';
import { inspectExpiry } from '../../backup/expire/inspect.ts';
import { worthCopying } from '../../backup/sync/choose.ts';
import { describeNamesake, planSync, type ChooseBackups } from '../../backup/sync/plan.ts';
import { syncLineage, type Synced } from '../../backup/sync/run.ts';
import { inspectSource, withoutBlocked } from '../../backup/sync/source-inspect.ts';
import { isOfOneObject } from '../../backup/sync/uncopied-run.ts';
import { readStanding } from '../../backup/verify/record.ts';
import { formatBytes } from '../../base/bytes.ts';
import { DbadminError, reasonOf } from '../../base/errors.ts';
import { IN_PART } from '../../base/exit-status.ts';
import type { Config, RepositoryConfig } from '../../config/config.ts';
import { refuseOtherSegments, type ClusterIdentity } from '../../repository/identity.ts';
import { backupKey } from '../../repository/layout.ts';
import { inspectBackups, readSummary } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { findRetention } from '../backup/retention-policy.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import { openRepository } from '../open-repository.ts';
import { ownLineage } from '../own-lineage.ts';
import { showUncopied } from './show-uncopied.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock, log, signal } = context;
  const { config, cluster } = await loadProject(context, input);
  const [source, target] = [placeOption(config, input, 'from'), placeOption(config, input, 'to')];
  const from = await openRepository(context, source);
  try {
    const to = await openRepository(context, target);
    try {
      if (from.store.description === to.store.description) {
        throw new DbadminError('usage', `${source.name} and ${target.name} are one and the same repository`, {
          detail: `Both are in ${to.store.description}.`,
        });
      }
      const lineage = await ownLineage(input, cluster, from);
      output.line(`${cluster.name}: ${source.name} → ${target.name}`);
      const chosen = await choice(context, input, { from, to, lineage, cluster: cluster.name, target: target.name });
      const names = { from: source.name, to: target.name };
      if (flagOption(input, 'dryRun')) return await showPlan(context, { from, to, lineage, chosen, names });
      const progress = output.progress('WAL', 'count');
      const synced = await syncLineage({
        from,
        to,
        cluster: lineage,
        chosen,
        everything: textOption(input, 'backup') === undefined,
        clock,
        log,
        signal,
        onBackup: (label, storedBytes) => output.line(`  ${label}   stored ${formatBytes(storedBytes)}`),
        onWal: (done, total) => progress.update(done, total),
      }).finally(() => progress.end());
      show(context, target.name, synced);
      showUncopied(output, synced.failed, names);
      output.result({ ...names, ...synced });
      return synced.failed.length > 0 ? IN_PART : 0;
    } finally {
      await to.store.close();
    }
  } finally {
    await from.store.close();
  }
}

interface Planned {
  readonly from: Repository;
  readonly to: Repository;
  readonly lineage: ClusterIdentity;
  readonly chosen: ChooseBackups | undefined;
  readonly names: { readonly from: string; readonly to: string };
}

/** What would be copied. */
async function showPlan({ output }: CommandContext, { from, to, lineage, chosen, names }: Planned): Promise<number> {
  await refuseOtherSegments(to, lineage);
  const { backups: theirs, unreadable } = await inspectSource(from, lineage.systemIdentifier);
  const { backups: ours, damaged } = await inspectBackups(to, lineage.systemIdentifier);
  const { backups, left, namesakes } = planSync({ from: withoutBlocked(theirs, damaged, unreadable), to: ours, chosen });
  for (const each of namesakes) unreadable.add('namesake', each.label, describeNamesake(each));
  const failed = unreadable.all.filter(({ kind, name }) => kind === 'namesake' || !ours.some(({ label }) => label === name));
  for (const { label, storedBytes } of backups) output.line(`  ${label}   stored ${formatBytes(storedBytes)} in ${names.from}`);
  for (const { name, problem } of failed) output.line(output.style('bad', `  ${name}   cannot be copied: ${problem}.`));
  output.line(`  ${backups.length} backups would be copied with the WAL from the first on, ${left.length} left. Nothing was changed.`);
  output.result({
    ...names,
    backups: backups.map(({ label, newBlobs, storedBytes }) => ({ label, newBlobs, storedBytes })),
    left: left.map(({ label }) => label),
    wal: null,
    dumps: [],
    objects: 0,
    failed,
  });
  return failed.length > 0 ? IN_PART : 0;
}

/** The one backup that was asked for; else, unless all are, those that the destination's retention would keep. */
async function choice(
  context: CommandContext,
  input: CommandInput,
  about: {
    readonly from: Repository;
    readonly to: Repository;
    readonly lineage: ClusterIdentity;
    readonly cluster: string;
    readonly target: string;
  },
): Promise<ChooseBackups | undefined> {
  const label = textOption(input, 'backup');
  if (label !== undefined) {
    const { from, lineage } = about;
    // A damaged manifest is said as such: the backup is there.
    if ((await from.store.stat(backupKey(lineage.systemIdentifier, label))) !== undefined)
      await readSummary(from, lineage.systemIdentifier, label);
    return (missing, present) => {
      const wanted = missing.filter((summary) => summary.label === label);
      if (wanted.length > 0 || present.some((summary) => summary.label === label)) return wanted;
      throw new DbadminError('backup-missing', `there is no backup ${label} of ${about.cluster} to copy`, {
        hint: 'See dbadmin backup list.',
      });
    };
  }
  const retention = flagOption(input, 'all') ? undefined : await findRetention(context, input, about.cluster, about.target);
  if (retention === undefined) return undefined;
  try {
    const source = await inspectExpiry(about.from, about.lineage, { now: context.clock.now(), windowMs: retention.windowMs });
    if (source.damaged[0] !== undefined) throw source.damaged[0].error;
    const standing = await readStanding(about.to, about.lineage.systemIdentifier);
    return (missing, present) => worthCopying(missing, present, source, retention, brokenBackups(present, standing));
  } catch (error) {
    if (!isOfOneObject(error)) throw error;
    context.output.warn(`what the retention of ${about.target} would keep cannot be told, so all is copied: ${reasonOf(error)}`);
    return undefined;
  }
}

function placeOption(config: Config, input: CommandInput, option: 'from' | 'to'): RepositoryConfig {
  const name = textOption(input, option);
  const place = name === undefined ? undefined : config.repositories.get(name);
  if (place !== undefined) return place;
  throw new DbadminError('usage', name === undefined ? `--${option} is missing` : `there is no repository ${name} in the configuration`, {
    hint: `The configuration has ${[...config.repositories.keys()].join(', ') || 'none'}.`,
  });
}

function show({ output }: CommandContext, target: string, { backups, left, wal, dumps, objects }: Synced): void {
  const copied = [
    `${backups.length} backups`,
    `${wal.segments} WAL segments`,
    ...(dumps.length === 0 ? [] : [`${dumps.length} dumps`]),
    ...(objects === 0 ? [] : [`${objects} holds, ledger entries and reports`]),
  ];
  output.line(`  copied     ${copied.join(', ')}`);
  if (left.length > 0) output.line(`  left       ${left.length} that the retention of ${target} would not keep (--all copies them)`);
}
