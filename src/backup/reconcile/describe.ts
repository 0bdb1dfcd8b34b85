import { printable } from '../../base/printable.ts';
import type { Deed, LedgerArgument, RevokedObject } from '../../repository/ledger-deed.ts';
import type { LedgerEntry } from '../../repository/ledger.ts';
import { formatMoment } from '../restore/target.ts';

/** What comes back, for people: `role svc_old (dropped 2026-11-21 14:20:00 +05:30)`. */
export function describeEntry({ deed, at }: LedgerEntry): string {
  return `${describeReturn(deed)} (${describeDeed(deed)} ${formatMoment(new Date(Math.floor(at.getTime() / 1000) * 1000))})`;
}

/** Why somebody who was to be erased again is not, and may be there. */
export function notErased(entry: LedgerEntry): string {
  const database = 'database' in entry.deed ? entry.deed.database : '';
  return `not erased again: ${describeEntry(entry)}. There is no database ${printable(database)} that takes connections. Where the rows are in another one, as after a rename, erase them there by hand`;
}

/** Somebody who may be in tables of `database`, if it was renamed after the moment that is restored. */
export function backIfRenamed(entry: LedgerEntry, database: string): string {
  const named = printable('database' in entry.deed ? entry.deed.database : '');
  return `may have come back: ${describeEntry(entry)}. There was no database ${named} at that moment: if ${printable(database)} was renamed to it since, take them out of these tables by hand`;
}

function describeReturn(deed: Deed): string {
  switch (deed.kind) {
    case 'role-dropped':
      return `role ${printable(deed.role)}`;
    case 'role-disabled':
      return `login of ${printable(deed.role)}`;
    case 'membership-revoked':
      return `${printable(deed.member)} as member of ${printable(deed.role)}`;
    case 'privilege-revoked':
      return `${deed.privileges.join(', ')} on ${describeObject(deed.on)} for ${printable(deed.grantee)} in ${printable(deed.database)}`;
    case 'password-rotated':
      return `old password of ${printable(deed.role)}`;
    case 'subject-forgotten':
      return printable(deed.subject);
    case 'migration-applied':
      return `${printable(deed.database)} before migration ${printable(deed.file)}`;
    case 'migration-undone':
      return `migration ${printable(deed.file)} in ${printable(deed.database)}`;
  }
}

function describeDeed({ kind }: Deed): string {
  const words: Readonly<Record<Deed['kind'], string>> = {
    'role-dropped': 'dropped',
    'role-disabled': 'disabled',
    'membership-revoked': 'revoked',
    'privilege-revoked': 'revoked',
    'password-rotated': 'rotated',
    'subject-forgotten': 'erased',
    'migration-applied': 'applied',
    'migration-undone': 'undone',
  };
  return words[kind];
}

export function describeObject({ kind, schema, name }: RevokedObject): string {
  if (kind === 'all-tables') return `all tables in ${printable(schema ?? name)}`;
  const full = schema === undefined ? printable(name) : `${printable(schema)}.${printable(name)}`;
  return kind === 'table' ? full : `${kind} ${full}`;
}

/** A call for people: `core.forget(71)`. */
export function describeCall(procedure: readonly [string, string], args: readonly LedgerArgument[]): string {
  return `${printable(procedure.join('.'))}(${args.map((each) => printable(JSON.stringify(each))).join(', ')})`;
}
