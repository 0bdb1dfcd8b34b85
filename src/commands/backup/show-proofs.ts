import type { BrokenBackups } from '../../backup/broken.ts';
import { formatDuration } from '../../base/durations.ts';
import { readVerifications } from '../../backup/verify/record.ts';
import type { VerificationHeader } from '../../backup/verify/report.ts';
import { describeSuspicion, type Suspicion, type Suspicions } from '../../backup/suspicion.ts';
import { readProofs, type Proofs } from '../../backup/drill/record.ts';
import type { DrillHeader } from '../../backup/drill/report.ts';
import { standingFailure } from '../../backup/drill/standing.ts';
import { howToAcknowledge, whoIsWrong } from '../../repository/differing-pages.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { unjudgedTexts } from '../../repository/unjudged-pages.ts';
import type { Output } from '../output.ts';

/** What of a repository has been tried: drills and verifications. */
export interface Tried extends Proofs {
  /** The newest drill that failed and that nothing has settled since. */
  readonly unsettled: DrillHeader | undefined;
  readonly verified: VerificationHeader | undefined;
}

export async function readTried(
  repository: Repository,
  systemIdentifier: string,
  backups: readonly BackupSummary[],
  now: Date,
): Promise<Tried> {
  const proofs = await readProofs(repository, systemIdentifier, now);
  const { telling } = await readVerifications(repository, systemIdentifier, now);
  return { ...proofs, unsettled: standingFailure(proofs.own, backups, now), verified: telling };
}

/** What is known of backups beside what their manifests say. */
export interface KnownOfBackups {
  readonly proofs: Proofs;
  readonly suspicions: Suspicions;
  readonly broken: BrokenBackups;
}

/** `proven 2 d ago`, `unproven`, `drill failed 2 d ago`, `suspect`, `broken` or `damaged`: how far a backup can be relied on. */
export function stateOf(
  backup: BackupSummary,
  { proofs: { provenBy, failedBy }, suspicions: { byLabel }, broken }: KnownOfBackups,
  now: Date,
): string {
  if (backup.damage !== null) return 'damaged';
  if (broken.has(backup.label)) return 'broken';
  const suspicion = byLabel.get(backup.label);
  if (suspicion !== undefined) return suspicion.kind === 'wrong' ? 'wrong' : 'suspect';
  const failed = failedBy(backup);
  if (failed !== undefined) return `drill failed ${ageOf(failed.finishedAt, now)} ago`;
  const drill = provenBy(backup);
  return drill === undefined ? 'unproven' : `proven ${ageOf(drill.finishedAt, now)} ago`;
}

/** What audits found and nobody has looked into, with the way out. */
export function warnOfMismatches(output: Output, { open }: Suspicions): void {
  for (const mismatch of open) {
    const { audit, comparedWith, pages, earlier, later } = mismatch;
    const count = `${pages} page${pages === 1 ? '' : 's'}`;
    const others = earlier.length === 0 ? comparedWith : earlier.join(', ');
    const after = later.length === 0 ? '' : ` What came after it (${later.join(', ')}) holds what it holds.`;
    output.warn(
      `the audit of ${audit} found ${count} that changed without a trace in the WAL: ${whoIsWrong(mismatch, `either it is wrong, or ${others}`)}.${after} ` +
        `Until somebody says which, no older backup expires. ${howToAcknowledge(audit, mismatch)}`,
    );
  }
}

/** What audits leave open. */
export function warnOfUnjudged(output: Output, { unjudged }: Suspicions): void {
  for (const open of unjudged) for (const { what, next } of unjudgedTexts(open)) output.warn(`${open.audit}: ${what}. ${next}`);
}

/** What verifications found and nobody found mended or gone. */
export function warnOfBroken(output: Output, broken: BrokenBackups): void {
  if (broken.size === 0) return;
  const by = [...new Set(broken.values())].join(', ');
  output.warn(
    `${broken.size === 1 ? 'a backup does' : `${broken.size} backups do`} not restore whole, as ${by} found: no rule of retention counts ${broken.size === 1 ? 'it' : 'them'}`,
  );
}

/** For machines; null where nothing is known against it. */
export function suspicionJson(suspicion: Suspicion | undefined): object | null {
  return suspicion === undefined ? null : { ...suspicion, why: describeSuspicion(suspicion) };
}

/** The lines of `backup info` about what was tried. */
export function showTried(output: Output, { last, lastPassed, unsettled, verified }: Tried, now: Date, drill: string): void {
  if (last === undefined) output.line(`drill        none yet: nothing here has ever been restored to see whether it can be (${drill})`);
  else {
    const ended =
      last.verdict === 'passed'
        ? output.style('good', 'passed')
        : output.style('bad', last.verdict === 'failed' ? 'failed' : 'proved nothing');
    const before = last === lastPassed || lastPassed === undefined ? '' : `; the last that passed ${ageOf(lastPassed.finishedAt, now)} ago`;
    output.line(`drill        ${last.label} ${ageOf(last.finishedAt, now)} ago: ${ended}, ${last.backup ?? 'no backup'}${before}`);
    if (unsettled !== undefined && unsettled !== last)
      output.line(
        `             ${output.style('bad', `${unsettled.label} failed`)} ${ageOf(unsettled.finishedAt, now)} ago, ${unsettled.backup ?? 'no backup'}, and none since has done the same and passed`,
      );
  }
  if (verified === undefined) output.line('verified     never (dbadmin backup verify --read-data)');
  else {
    const found = verified.isSound ? output.style('good', 'sound') : output.style('bad', `${verified.faults} faults`);
    output.line(`verified     ${ageOf(verified.finishedAt, now)} ago, ${EXTENTS[verified.extent]}: ${found}`);
  }
}

const EXTENTS = { structure: 'structure only', sample: 'a sample of the content', everything: 'all content' } as const;

/** The same for machines. */
export function describeTried({ last, lastPassed, unsettled, verified }: Tried): object {
  return { drill: last ?? null, lastPassedDrill: lastPassed ?? null, unsettledDrill: unsettled ?? null, verified: verified ?? null };
}

function ageOf(at: string, now: Date): string {
  return formatDuration(Math.max(0, now.getTime() - Date.parse(at)));
}
