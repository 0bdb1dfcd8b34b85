import { randomBytes } from 'node:crypto';
import { formatBytes } from '../../base/bytes.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { formatDuration } from '../../base/durations.ts';
import { IN_PART } from '../../base/exit-status.ts';
import { describeGap } from '../../backup/gaps.ts';
import { formatMoment } from '../../backup/restore/target.ts';
import type { VerifyReport } from '../../backup/verify/report.ts';
import { recordVerification } from '../../backup/verify/record.ts';
import { verifyRepository } from '../../backup/verify/run.ts';
import type { ReadExtent } from '../../backup/verify/sampling.ts';
import type { ClusterConfig, RepositoryConfig } from '../../config/config.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { eachResult, inEachRepository } from '../each-repository.ts';
import { loadProject } from '../load-project.ts';
import { openRepository, selectRepositories } from '../open-repository.ts';
import { ownLineage } from '../own-lineage.ts';

const FAULTS_SHOWN = 20;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const extent = extentOption(input);
  const { config, cluster } = await loadProject(context, input);
  const outcomes = await inEachRepository(
    context,
    selectRepositories(config, cluster, textOption(input, 'repository')),
    (name) => `${name} was not verified`,
    async (repository) => await verifyOne(context, input, repository, cluster, extent),
  );
  context.output.result({ reports: eachResult(outcomes) });
  return outcomes.every((outcome) => outcome.kind === 'done' && outcome.value.isSound) ? 0 : IN_PART;
}

/** A repository that cannot even be opened: what it begins with is damaged. */
interface DamagedBeginning {
  readonly repository: string;
  readonly isSound: false;
  readonly faultCount: 1;
  readonly faults: readonly [{ readonly kind: 'damaged'; readonly object: string; readonly detail: string }];
}

async function verifyOne(
  context: CommandContext,
  input: CommandInput,
  config: RepositoryConfig,
  configured: ClusterConfig,
  extent: ReadExtent,
): Promise<VerifyReport | DamagedBeginning> {
  const { output, clock } = context;
  try {
    const repository = await openRepository(context, config);
    try {
      const cluster = await ownLineage(input, configured, repository);
      output.line(`${configured.name} in ${config.name} (${repository.store.description})   ${describeExtent(extent)}`);
      const progress = output.progress('reading');
      let readBytes = 0;
      const report = await verifyRepository({
        repository,
        repositoryName: config.name,
        cluster,
        extent,
        tool: context.version,
        clock,
        signal: context.signal,
        onRead: (bytes) => progress.update((readBytes += bytes)),
      }).finally(() => progress.end());
      print(context, report);
      try {
        await recordVerification(repository, report);
      } catch (error) {
        if (!isDbadminError(error)) throw error;
        output.note(`${config.name}: that it was verified could not be noted there: ${error.message}`);
      }
      return report;
    } finally {
      await repository.store.close();
    }
  } catch (error) {
    if (!isDbadminError(error, 'repository-damaged')) throw error;
    output.line(output.style('bad', `damaged    ${error.message}: ${error.detail ?? ''}`));
    output.line('           nothing of the repository can be reached without it');
    const object = error.message.replace(/ is damaged$/, '');
    return { repository: config.name, isSound: false, faultCount: 1, faults: [{ kind: 'damaged', object, detail: error.detail ?? '' }] };
  }
}

function extentOption(input: CommandInput): ReadExtent {
  const sample = textOption(input, 'sample');
  const readData = flagOption(input, 'readData');
  if (sample === undefined) {
    if (textOption(input, 'seed') !== undefined) throw new DbadminError('usage', '--seed goes with --sample');
    return readData ? { kind: 'everything' } : { kind: 'structure' };
  }
  if (readData) throw new DbadminError('usage', 'give --read-data or --sample, not both');
  const share = /^(\d{1,3}(?:\.\d+)?)%$/.exec(sample)?.[1];
  const percent = Number(share ?? 'NaN');
  if (!(percent > 0 && percent <= 100)) throw new DbadminError('usage', `--sample takes a share such as 5%, not "${sample}"`);
  return { kind: 'sample', share: percent / 100, seed: textOption(input, 'seed') ?? randomBytes(4).toString('hex') };
}

function describeExtent(extent: ReadExtent): string {
  if (extent.kind === 'structure') return 'structure only: content is not read (--read-data, --sample 5%)';
  if (extent.kind === 'everything') return 'reading everything';
  return `reading ${extent.share * 100} % of the content, seed ${extent.seed}`;
}

function print({ output }: CommandContext, report: VerifyReport): void {
  const { tally } = report;
  const tookMs = Date.parse(report.finishedAt) - Date.parse(report.startedAt);
  output.line(
    `looked at  ${tally.objects} objects: ${tally.backups} backups, ${tally.packs} packs with ${tally.blobs} blobs, ${tally.segments} WAL objects, ${tally.dumps} dumps`,
  );
  output.line(`read       ${formatBytes(tally.readBytes)} of content in ${formatDuration(tookMs)}`);
  for (const { kind, object, detail } of report.faults.slice(0, FAULTS_SHOWN))
    output.line(`${output.style('bad', kind.padEnd(10))} ${object}: ${detail}`);
  if (report.faultCount > FAULTS_SHOWN)
    output.line(`           and ${report.faultCount - FAULTS_SHOWN} more (--json has the first thousand)`);
  for (const { label, reasons } of report.backups)
    output.line(`${output.style('bad', 'backup')}     ${label} does not restore whole: ${reasons.join(' ')}`);
  for (const { label, reasons } of report.dumps) output.line(`${output.style('bad', 'dump')}       ${label}: ${reasons.join(' ')}`);
  for (const window of report.windows) {
    const end = window.endsAtLsn === null ? 'nothing of it can be restored' : `it ends at ${window.endsAtLsn} and not at ${window.toLsn}`;
    output.line(`${output.style('bad', 'window')}     from ${window.backup} along timeline ${window.timeline}: ${end}`);
  }
  for (const gap of report.gaps)
    output.line(
      `gap        ${gap.fromLsn} → ${gap.toLsn} on timeline ${gap.timeline}: ${describeGap(gap)}, nothing is recovered across it`,
    );
  if (report.leftovers.packs > 0 || report.leftovers.dumps > 0)
    output.line(`leftovers  ${report.leftovers.packs} packs, ${report.leftovers.dumps} dumps of runs that are under way or were killed`);
  if (report.isSound) output.line(`${output.style('good', 'sound')}      ${describeSound(report)}`);
  else {
    const [first] = report.restorable;
    output.line(
      first === undefined
        ? 'left       nothing can be restored from this repository'
        : `left       ${report.soundBackups.length} backups; restorable from ${formatMoment(new Date(first.from))}`,
    );
  }
}

/** Sound are the backups: of the moments after them those are lost that fall into a gap, which is no fault, for nothing says that its WAL was ever there. */
export function describeSound({
  extent,
  tally,
  soundBackups,
  gaps,
}: Pick<VerifyReport, 'extent' | 'soundBackups' | 'gaps'> & { readonly tally: Pick<VerifyReport['tally'], 'readBytes'> }): string {
  const looked = {
    everything: 'every byte that they need was read',
    sample:
      tally.readBytes > 0
        ? 'everything that they need is there, and a share of it was read'
        : 'everything that they need is there; none of it fell into the share that was to be read',
    structure: 'everything that they need is there; whether it is unchanged was not looked at',
  }[extent.kind];
  const lost = gaps.length === 0 ? '' : `; moments in ${gaps.length === 1 ? 'the gap' : `the ${gaps.length} gaps`} cannot be restored`;
  return `${soundBackups.length} backups: ${looked}${lost}`;
}
