import type { ExpiryOutcome, ExpiryPlan } from '../../backup/expire/run.ts';
import type { Verdict } from '../../backup/expire/plan.ts';
import { describeReason } from '../../backup/expire/retention.ts';
import { formatMoment } from '../../backup/restore/target.ts';
import { formatBytes } from '../../base/bytes.ts';
import { DbadminError } from '../../base/errors.ts';
import type { Collected } from '../../repository/collection.ts';
import type { Repository } from '../../repository/repository.ts';
import type { CommandContext } from '../command.ts';
import { warnOfBroken } from './show-proofs.ts';
import { damagedJson } from './recovery-json.ts';

/** What goes and why the rest stays. */
export function showExpiryPlan({ output }: CommandContext, where: string, plan: ExpiryPlan): void {
  const moments = momentsOf(plan);
  const verdicts = [...plan.backups, ...plan.dumps];
  output.line(where);
  const { damaged, broken, brokenDumps, untold } = plan.inspection;
  if (damaged.length > 0) output.warn(`nothing is removed while manifests cannot be read: ${damaged.map(({ key }) => key).join(', ')}`);
  if (untold.length > 0) output.warn(`nothing is removed while nobody can read what ${untold.join(', ')} found damaged`);
  warnOfBroken(output, broken);
  if (verdicts.length === 0) {
    output.line('  no backups and no dumps');
    return;
  }
  output.table(
    ['backup', 'of', '', 'why'],
    verdicts.map(({ label, reasons }) => {
      const until = plan.locked.get(label);
      const brokenBy = broken.has(label) || brokenDumps.has(label) ? ['does not restore whole'] : [];
      return [
        label,
        formatMoment(new Date(moments.get(label) ?? 0)),
        reasons.length > 0 ? 'stays' : output.style('warn', until === undefined ? 'goes' : 'locked'),
        reasons.length > 0
          ? [...brokenBy, ...new Set(reasons.map(describeReason))].join('\n')
          : `${brokenBy.map((text) => `${text}; `).join('')}no rule keeps it${until === undefined ? '' : `; the storage does, until ${formatMoment(until)}`}`,
      ];
    }),
  );
  const going = goingOf(plan).length;
  output.line(
    `  ${going} ${going === 1 ? 'goes' : 'go'}, ${verdicts.length - going} stay; WAL that no backup needs: ${plan.wal.objects === 0 ? 'none' : `${plan.wal.objects} objects, ${formatBytes(plan.wal.bytes)}`}`,
  );
}

/** Labels of the backups and dumps that go: no rule keeps them, nor does the storage. */
export function goingOf({ backups, dumps, locked }: ExpiryPlan): readonly string[] {
  return [...backups, ...dumps].flatMap(({ label, reasons }) => (reasons.length === 0 && !locked.has(label) ? [label] : []));
}

/** By label: when a backup ended, when a dump began; ISO 8601. */
function momentsOf({ inspection }: ExpiryPlan): ReadonlyMap<string, string> {
  return new Map([
    ...inspection.backups.map(({ summary }) => [summary.label, summary.finishedAt] as const),
    ...inspection.dumps.map(({ label, startedAt }) => [label, startedAt.toISOString()] as const),
  ]);
}

/** Whether there is anything to tell of a run: something was removed, marked or in the way. */
export function hasChanged(outcome: ExpiryOutcome): boolean {
  const { expired, collected } = outcome;
  return hasRemoved(outcome) || expired.locked.length > 0 || collected instanceof DbadminError || collected.unindexed.length > 0;
}

/** Whether anything is gone, or marked to go, that was there before. */
export function hasRemoved({ expired: { backups, dumps, wal }, collected, leftovers }: ExpiryOutcome): boolean {
  if (backups.length + dumps.length + wal.objects + leftovers > 0) return true;
  if (collected instanceof DbadminError) return false;
  const { marked, compacted, deleted } = collected;
  return marked.packs + compacted.packs + deleted.packs > 0;
}

/** What was removed. Why content was not collected is left to {@link contentProblem}, which whoever calls tells. */
export function showExpired({ output }: CommandContext, { expired, collected, leftovers }: ExpiryOutcome): void {
  const { backups, dumps, locked, wal } = expired;
  const removed = [
    `${backups.length} ${backups.length === 1 ? 'backup' : 'backups'}`,
    ...(dumps.length === 0 ? [] : [`${dumps.length} dumps`]),
  ];
  if (wal.objects > 0) removed.push(`${wal.objects} WAL objects (${formatBytes(wal.bytes)})`);
  output.line(`  removed    ${removed.join(', ')}`);
  if (locked.length > 0)
    output.line(`  locked     ${locked.join(', ')}: the storage keeps ${locked.length === 1 ? 'it' : 'them'} until the lock has ended`);
  if (leftovers > 0) output.line(`  leftovers  ${leftovers} unfinished writes of runs that died are removed`);
  if (collected instanceof DbadminError) return;
  for (const line of contentLines(collected)) output.line(`  ${line}`);
  if (collected.unindexed.length > 0) {
    output.warn(`${collected.unindexed.length} packs that backups need are in no index: run dbadmin repository rebuild-index`);
  }
}

/** Why content was not collected. `isByDesign`: the repository has a format whose content never is; otherwise it grows until that is mended. */
export function contentProblem(
  { identity }: Repository,
  { collected }: ExpiryOutcome,
): { readonly error: DbadminError; readonly isByDesign: boolean } | undefined {
  return collected instanceof DbadminError ? { error: collected, isByDesign: identity.format < 2 } : undefined;
}

export function warnOfContent({ output }: CommandContext, { message, hint }: DbadminError): void {
  output.warn(`content was not collected: ${message}${hint === undefined ? '' : `. ${hint}`}`);
}

function contentLines(collected: Collected): readonly string[] {
  const { marked, compacted, deleted, waiting, locked, postponedFor } = collected;
  const lines: string[] = [];
  if (deleted.packs > 0) lines.push(`freed      ${formatBytes(deleted.bytes)} of content`);
  if (marked.packs > 0)
    lines.push(`marked     ${formatBytes(marked.bytes)} of content that nothing needs any more, to be freed by a later run`);
  if (compacted.packs > 0) lines.push(`rewritten  ${formatBytes(compacted.bytes)} of content as ${formatBytes(compacted.writtenBytes)}`);
  if (waiting.until !== null)
    lines.push(`waiting    ${formatBytes(waiting.bytes)} of marked content, the first until ${formatMoment(waiting.until)}`);
  if (postponedFor !== null) lines.push(`postponed  marked content stays while ${postponedFor} runs`);
  if (locked.packs > 0) lines.push(`locked     ${formatBytes(locked.bytes)} of content, by the storage`);
  return lines.length === 0 ? ['content    nothing to collect'] : lines;
}

/** The plan, and what was done, for machines. */
export function expiryResult(repository: string, plan: ExpiryPlan, outcome: ExpiryOutcome | undefined): object {
  const moments = momentsOf(plan);
  const verdict = ({ label, reasons }: Verdict): object => {
    const why = [...new Set(reasons.map(describeReason))];
    const lockedUntil = plan.locked.get(label)?.toISOString() ?? null;
    const brokenBy = plan.inspection.broken.get(label) ?? plan.inspection.brokenDumps.get(label) ?? null;
    return { label, at: moments.get(label) ?? null, brokenBy, stays: reasons.length > 0, lockedUntil, reasons, why };
  };
  return {
    repository,
    backups: plan.backups.map(verdict),
    dumps: plan.dumps.map(verdict),
    wal: plan.wal,
    damaged: damagedJson(plan.inspection.damaged),
    expired: outcome?.expired ?? null,
    leftovers: outcome?.leftovers ?? null,
    collected:
      outcome === undefined ? null : outcome.collected instanceof DbadminError ? { refused: outcome.collected.message } : outcome.collected,
  };
}
