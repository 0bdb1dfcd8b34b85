import { formatBytes } from '../../base/bytes.ts';
import { formatDuration } from '../../base/durations.ts';
import { IN_PART } from '../../base/exit-status.ts';
import type { TakeMode } from '../../backup/take/mode.ts';
import type { TakeOutcome } from '../../backup/take/outcomes.ts';
import type { TakeResult } from '../../backup/take/run.ts';
import { differingPages, howToAcknowledge, mismatchCount, whoIsWrong } from '../../repository/differing-pages.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { ClusterConfig } from '../../config/config.ts';
import type { CommandContext } from '../command.ts';
import { repositoryOption } from '../open-repository.ts';

type Output = CommandContext['output'];
type Preferring = Pick<ClusterConfig, 'repositories'>;

/** Mismatching pages named in the output; the manifest lists the rest. */
const NAMED_PAGES = 5;

/** `main → local, offsite   incremental on 20261120T203000Z-full`. */
export function showMode(output: Output, where: string, mode: TakeMode): void {
  switch (mode.kind) {
    case 'everything':
      output.line(`${where}   full${mode.reason === undefined ? '' : ` (${mode.reason})`}`);
      return;
    case 'blocks':
      output.line(`${where}   incremental on ${mode.parent.label}`);
      return;
    case 'hashes':
      output.line(`${where}   incremental on ${mode.parent.label}, reading everything (${mode.reason})`);
      return;
    case 'audit':
      output.line(`${where}   full, audited against ${mode.parent.label}`);
  }
}

/** What a run came to, repository by repository. */
export function showOutcome(output: Output, cluster: Preferring, { mode, outcomes }: TakeResult, tookMs: number): void {
  const taken = outcomes.flatMap(({ name, result }) => (result.kind === 'taken' ? [{ name, summary: result.summary }] : []));
  const [first] = taken;
  if (first !== undefined) {
    const { summary } = first;
    output.line(
      mode.kind === 'everything'
        ? `  read       ${formatBytes(summary.plainBytes)} in ${summary.fileCount} files`
        : `  read       ${formatBytes(summary.plainBytes)} in ${summary.fileCount} files, ${formatBytes(summary.changedBytes ?? 0)} changed`,
    );
    output.line(`  wal        ${summary.startLsn} → ${summary.stopLsn}`);
    const stored = taken.map((each) => `${formatBytes(each.summary.storedBytes)}${taken.length === 1 ? '' : ` (${each.name})`}`).join(', ');
    output.line(`  done       ${summary.label}   ${formatDuration(tookMs)}   stored ${stored}   ${describePages(summary)}`);
    showAudit(output, summary, mode);
    for (const missing of summary.missing ?? []) output.warn(`not in the backup: ${missing}`);
    for (const warning of summary.warnings) output.warn(warning);
  }
  for (const { name, result } of outcomes) {
    if (result.kind === 'failed')
      output.warn(
        `no backup in ${name}: ${result.error.message}${result.error.detail === undefined ? '' : `\n  detail: ${result.error.detail}`}`,
      );
  }
  if (first !== undefined) showNext(output, first.summary, repositoryToRestoreFrom(cluster, taken));
}

/** 3 when a repository has no backup, when the server found bad pages, or when the audit found any. */
export function statusOf({ outcomes }: TakeResult): number {
  return outcomes.every(isSound) ? 0 : IN_PART;
}

/** Whether a repository has a backup of it that can be relied on. */
export function isSound({ result }: TakeOutcome): boolean {
  return result.kind === 'taken' && result.summary.damage === null && mismatchCount(result.summary.audit) === 0;
}

function describePages(summary: BackupSummary): string {
  if (summary.damage !== null) return 'page checksums FAILED';
  return summary.checksums ? 'page checksums ok' : 'the cluster has no page checksums';
}

function showAudit(output: Output, { audit, label, damage }: BackupSummary, mode: TakeMode): void {
  if (audit === null || audit === undefined) return;
  const { pages, mismatches, benign, comparedWith, unjudged } = audit;
  const hints = benign === 0 ? '' : `, ${benign} differing in what is not logged`;
  const open = unjudged === undefined ? '' : `, ${unjudged.pages} that nobody could judge`;
  output.line(
    `  audit      ${pages} pages as ${comparedWith} has them or newer${hints}${open}${mismatches.length === 0 ? '' : ', but for those below'}`,
  );
  if (mismatches.length === 0) return;
  const named = mismatches
    .toSorted((a, b) => Number(b.emptied === true) - Number(a.emptied === true))
    .slice(0, NAMED_PAGES)
    .map(({ path, block, emptied }) => `${path} block ${block}${emptied === true ? ' (emptied)' : ''}`);
  const count = mismatchCount(audit);
  const more = count > NAMED_PAGES ? ` and ${count - NAMED_PAGES} more` : '';
  const found = `the audit found pages that changed without a trace in the WAL, ${named.join(', ')}${more}: `;
  const differing = differingPages(audit, new Map(mode.kind === 'everything' ? [] : [[mode.parent.label, mode.parent]]));
  const either = `either the cluster's storage changed them, or ${comparedWith} and the backups before it back to the last full one have them wrong`;
  output.warn(
    damage === null
      ? `${found}${whoIsWrong(differing, either)}. Neither is relied on until somebody says which, and no older backup expires. ${howToAcknowledge(label, differing)}`
      : `${found}${comparedWith} has them as they were.`,
  );
}

/** The option for a restore where the repository that it takes by itself has not got the backup. */
function repositoryToRestoreFrom(cluster: Preferring, taken: readonly { readonly name: string }[]): string {
  const options = taken.map(({ name }) => repositoryOption(cluster, name));
  return options.includes('') ? '' : (options[0] ?? '');
}

function showNext(output: Output, summary: BackupSummary, option: string): void {
  if (summary.damage !== null)
    output.warn(`the server found damaged pages: ${summary.damage}. The backup is kept as damaged; restore the table from an older one.`);
  else if (mismatchCount(summary.audit) === 0)
    output.line(`restorable on its own: dbadmin restore --backup ${summary.label}${option} --to-latest --into DIR --start`);
}
