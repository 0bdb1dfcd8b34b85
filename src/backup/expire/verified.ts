import { DbadminError } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import type { ExpiryInspection } from './inspect.ts';

/**
 * While a verification that found something, or may have, cannot say what, nothing goes: whole backups might, in favour of broken ones.
 *
 * @throws {DbadminError} `repository-damaged` naming each.
 */
export function refuseUntold({ store }: Repository, { untold }: Pick<ExpiryInspection, 'untold'>): void {
  if (untold.length === 0) return;
  const what = untold.length === 1 ? `verification ${untold[0]}` : `verifications ${untold.join(', ')}`;
  throw new DbadminError('repository-damaged', `nothing was removed from ${store.description}: what ${what} found cannot be read`, {
    detail: 'What is missing or damaged, and which backups that takes, stands in its report alone.',
    hint: 'dbadmin backup verify --read-data looks at everything anew; retention goes on by what that finds.',
  });
}

/**
 * Older backups go because there is a new one. One that is built on content which was found damaged is none that could stand for them.
 *
 * @throws {DbadminError} `repository-damaged` when the backup of the label `after` is such a one.
 */
export function refuseAfterBroken({ store }: Repository, { broken }: Pick<ExpiryInspection, 'broken'>, after: string | undefined): void {
  const verification = after === undefined ? undefined : broken.get(after);
  if (after === undefined || verification === undefined) return;
  throw new DbadminError(
    'repository-damaged',
    `nothing was removed from ${store.description}: ${after} rests on what verification ${verification} found damaged`,
    {
      detail: `As long as the newest backup does not restore whole, none goes on account of it.`,
      hint: 'dbadmin backup run --type full stores anew what is damaged. dbadmin backup expire says what no rule keeps, and --apply removes it.',
    },
  );
}
