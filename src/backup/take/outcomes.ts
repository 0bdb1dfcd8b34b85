import { DbadminError, DEFECT_HINT, messageOf } from '../../base/errors.ts';
import type { BackupSummary } from '../../repository/manifest.ts';

/** What a run came to in one repository. */
export interface TakeOutcome {
  readonly name: string;
  readonly result: { readonly kind: 'taken'; readonly summary: BackupSummary } | { readonly kind: 'failed'; readonly error: DbadminError };
}

/** Whether a failure is one repository's, and the others go on: not the run's interruption, and no mistake of ours. */
export function isOfOneRepository(error: unknown): error is DbadminError {
  return error instanceof DbadminError && error.code !== 'interrupted';
}

/**
 * The outcomes of repositories, whose `names` stand as their `ends` do; `note` is told of each one's failure.
 *
 * @throws the first that is not of one repository, with what became of the others in its detail: nobody else tells.
 */
export function outcomesOf(
  names: readonly string[],
  ends: readonly PromiseSettledResult<BackupSummary>[],
  note: (name: string, error: DbadminError) => DbadminError,
): readonly TakeOutcome[] {
  const first = ends.find((end) => end.status === 'rejected' && !isOfOneRepository(end.reason));
  if (first?.status === 'rejected') {
    const others = ends.flatMap((end, index) => (end === first ? [] : sentences(names[index] ?? '', end)));
    throw others.length === 0 ? first.reason : withDetail(first.reason, others);
  }
  return ends.flatMap((end, index): readonly TakeOutcome[] => {
    const name = names[index] ?? '';
    if (end.status === 'fulfilled') return [{ name, result: { kind: 'taken', summary: end.value } }];
    return isOfOneRepository(end.reason) ? [{ name, result: { kind: 'failed', error: note(name, end.reason) } }] : [];
  });
}

function sentences(name: string, end: PromiseSettledResult<BackupSummary>): readonly string[] {
  if (end.status === 'fulfilled') return [`Backup ${end.value.label} is complete in ${name}.`];
  const error: unknown = end.reason;
  if (!(error instanceof DbadminError)) return [`In ${name}: ${messageOf(error)}.`];
  // That it was interrupted, too, is said already.
  if (error.code === 'interrupted') return error.detail === undefined ? [] : [error.detail];
  return [[`In ${name}: ${error.message}.`, error.detail, error.hint].filter((text) => text !== undefined).join(' ')];
}

function withDetail(error: unknown, others: readonly string[]): DbadminError {
  const isOurs = error instanceof DbadminError;
  const detail = [...(isOurs && error.detail !== undefined ? [error.detail] : []), ...others].join('\n');
  return new DbadminError(isOurs ? error.code : 'internal', messageOf(error), {
    detail,
    hint: isOurs ? error.hint : DEFECT_HINT,
    cause: error,
  });
}
