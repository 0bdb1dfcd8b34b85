import { DbadminError } from '../../base/errors.ts';
import { readLedger, type Ledger } from '../../repository/ledger.ts';
import type { Repository } from '../../repository/repository.ts';

const ALL = 'damaged';
const NAMED = 10;

/**
 * The ledger of a lineage, when everything in it can be read or `without` says to go on without what cannot: keys, their last parts, or
 * `damaged` for all of it. Nobody else can decide that what such an entry took away may come back.
 *
 * @throws {DbadminError} `refused` naming what cannot be read; `usage` when an entry that is whole is to be left out, or none is of that name.
 */
export async function readableLedger(repository: Repository, systemIdentifier: string, without: readonly string[]): Promise<Ledger> {
  const ledger = await readLedger(repository, systemIdentifier);
  const { damaged } = ledger;
  const isOf = (key: string, name: string): boolean => key === name || key.endsWith(`/${name}`);
  const unknown = without.find((name) => name !== ALL && !damaged.some(({ key }) => isOf(key, name)));
  if (unknown !== undefined) {
    throw new DbadminError('usage', `the ledger has no entry ${unknown} that cannot be read`, {
      detail: damaged.length === 0 ? 'All of it can be read.' : `Those that cannot be: ${damaged.map(({ key }) => key).join(', ')}.`,
      hint: 'An entry that is whole cannot be left out: a restore says what comes back, and --reconcile takes it away again.',
    });
  }
  const left = without.includes(ALL) ? [] : damaged.filter(({ key }) => !without.some((name) => isOf(key, name)));
  if (left.length === 0) return ledger;
  throw new DbadminError('refused', `${left.length === 1 ? 'an entry' : `${left.length} entries`} of the ledger cannot be read`, {
    detail: [
      ...left.slice(0, NAMED).map(({ key, error }) => `${key}: ${error.detail ?? `${error.message}.`}`),
      ...(left.length > NAMED ? [`and ${left.length - NAMED} more`] : []),
      'What was taken away by it could come back with this restore, and nobody would be told: a role, a privilege, a password, a person.',
    ].join('\n'),
    hint: `Bring it back with dbadmin repository sync from a copy, or restore from that. If it must be without it: --without-ledger-entry ${left.length === 1 ? keyName(left[0]?.key) : ALL}, and see to it by hand what was taken away around that time.`,
  });
}

function keyName(key = ''): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
