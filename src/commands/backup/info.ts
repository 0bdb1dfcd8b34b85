import { inspectLineage, readLineage } from '../../backup/lineage-inspect.ts';
import { formatMoment } from '../../backup/restore/target.ts';
import { describeDump, extentOf } from '../../backup/dump/extent.ts';
import { listDumps, readableDumpManifest } from '../../backup/dump/stored-dump.ts';
import { describeGap } from '../../backup/gaps.ts';
import { inspectRecovery } from '../../backup/recovery-inspect.ts';
import { recoveryModel } from '../../backup/windows.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { Repository } from '../../repository/repository.ts';
import { reachFrom } from '../../repository/wal-coverage.ts';
import { textOption, type CommandContext, type CommandInput } from '../command.ts';
import { loadProject } from '../load-project.ts';
import type { Output } from '../output.ts';
import { openRepository, repositoryOption, selectRepository } from '../open-repository.ts';
import { damagedJson, gapsJson, timelinesJson, walJson } from './recovery-json.ts';
import { describeTried, readTried, showTried, warnOfMismatches, warnOfUnjudged } from './show-proofs.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, cluster } = await loadProject(context, input);
  const repository = selectRepository(config, cluster, textOption(input, 'repository'));
  const opened = await openRepository(context, repository);
  try {
    const contents = await inspectLineage(opened, cluster.name, textOption(input, 'systemIdentifier'));
    const lineage = await readLineage(contents);
    const model = recoveryModel(await inspectRecovery(opened, contents));
    const { windows = [], stretches = [] } = model.timelines.find((each) => each.lineage.timeline === lineage.timeline) ?? {};
    const { gaps } = model;
    const { suspicions } = contents;
    const { systemIdentifier, serverVersion } = contents.cluster;
    output.line(
      `${cluster.name} in ${repository.name} (${opened.store.description})   PostgreSQL ${Math.floor(serverVersion / 10_000)}, system identifier ${systemIdentifier}`,
    );
    for (const { from, to, toLsn } of stretches) {
      const end = to === null ? `WAL position ${toLsn}` : formatMoment(new Date(to));
      output.line(`restorable   ${formatMoment(new Date(from))}  →  ${end}   timeline ${lineage.timeline}`);
    }
    if (stretches.length === 0) output.line('nothing can be restored: no backup has its WAL complete');
    else {
      output.line(`gaps         ${gaps.length === 0 ? 'none' : String(gaps.length)}`);
      output.table(
        ['backup', 'from', 'to', 'WAL', ''],
        windows.map((window) => [
          window.backup,
          formatMoment(new Date(window.from)),
          window.to === null ? '?' : formatMoment(new Date(window.to)),
          `${window.fromLsn} → ${window.toLsn}`,
          suspicions.byLabel.has(window.backup) ? output.style('bad', 'suspect') : '',
        ]),
      );
    }
    for (const gap of gaps)
      output.line(
        `gap          ${gap.fromLsn} → ${gap.toLsn} on timeline ${gap.timeline}: ${describeGap(gap)}, nothing can be recovered across it`,
      );
    for (const { timeline, switchLsn } of lineage.history) {
      const reach = reachFrom(contents.coverage.timelines.get(timeline), switchLsn);
      if (reach !== undefined && reach > switchLsn)
        output.line(
          `left         timeline ${timeline} at ${formatLsn(switchLsn)}: what it wrote after that is restored with --timeline ${timeline}`,
        );
    }
    const dumps = await listDumps(opened, `${systemIdentifier}/`);
    const parts = await showDumps(output, opened, systemIdentifier, dumps);
    const tried = await readTried(opened, systemIdentifier, contents.backups, context.clock.now());
    warnOfMismatches(output, suspicions);
    warnOfUnjudged(output, suspicions);
    showTried(output, tried, context.clock.now(), `dbadmin backup drill${repositoryOption(cluster, repository.name)}`);
    output.result({
      repository: repository.name,
      damaged: damagedJson(contents.damaged),
      systemIdentifier,
      timeline: lineage.timeline,
      timelines: timelinesJson(model),
      windows,
      mismatches: suspicions.open,
      unjudged: suspicions.unjudged,
      gaps: gapsJson(model),
      wal: walJson(contents.coverage),
      dumps,
      parts,
      ...describeTried(tried),
      drills: tried.all,
    });
    return 0;
  } finally {
    await opened.store.close();
  }
}

/** What each dump holds; gives the labels of those of definitions or single tables only. */
async function showDumps(
  output: Output,
  repository: Repository,
  systemIdentifier: string,
  dumps: readonly string[],
): Promise<readonly string[]> {
  const parts: string[] = [];
  const rows: (readonly [string, string])[] = [];
  for (const label of dumps) {
    const manifest = await readableDumpManifest(repository, `${systemIdentifier}/`, label);
    if (manifest !== undefined && extentOf(manifest) === 'part') parts.push(label);
    rows.push([label, manifest === undefined ? output.style('bad', 'its manifest cannot be read') : describeDump(manifest).join('\n')]);
  }
  if (rows.length > 0) output.table(['dump', 'holds'], rows);
  return parts;
}
