import { DbadminError } from '../../base/errors.ts';
import { DEED_KINDS, type Deed, type LedgerArgument, type RevokedObject } from '../../repository/ledger-deed.ts';
import { describeCall } from './describe.ts';

export interface DeedWords {
  readonly kind: string;
  readonly words: readonly string[];
  readonly database: string;
  /** Who was forgotten, for people. */
  readonly subject: string | undefined;
}

/**
 * The deed that the words of `backup ledger add` tell of. A password's verifier is not among them.
 *
 * @throws {DbadminError} `usage` saying what the kind takes.
 */
export function parseDeed({ kind, words, database, subject }: DeedWords): Deed {
  const [first = '', second = '', third = ''] = words;
  switch (DEED_KINDS.find((each) => each === kind)) {
    case 'role-dropped':
      expect(kind, words, 1, 'ROLE');
      return { kind: 'role-dropped', role: first };
    case 'role-disabled':
      expect(kind, words, 1, 'ROLE');
      return { kind: 'role-disabled', role: first };
    case 'membership-revoked':
      expect(kind, words, 2, 'MEMBER ROLE');
      return { kind: 'membership-revoked', member: first, role: second };
    case 'privilege-revoked':
      expect(kind, words, 3, 'GRANTEE PRIVILEGE[,…] OBJECT');
      return {
        kind: 'privilege-revoked',
        database,
        grantee: granteeOf(first),
        privileges: parsePrivileges(second),
        on: parseObject(third),
      };
    case 'password-rotated':
      expect(kind, words, 1, 'ROLE');
      return { kind: 'password-rotated', role: first, verifier: null };
    case 'subject-forgotten': {
      const [schema, name, ...rest] = first.split('.');
      if (schema === undefined || schema === '' || name === undefined || name === '' || rest.length > 0)
        throw usage(kind, 'SCHEMA.PROCEDURE [ARGUMENT …]');
      const args = words.slice(1).map(parseArgument);
      const procedure = [schema, name] as const;
      return { kind: 'subject-forgotten', database, procedure, arguments: args, subject: subject ?? describeCall(procedure, args) };
    }
    case 'migration-applied':
      expect(kind, words, 2, 'VERSION FILE');
      return { kind: 'migration-applied', database, version: first, file: second };
    case 'migration-undone':
      expect(kind, words, 2, 'VERSION FILE');
      return { kind: 'migration-undone', database, version: first, file: second };
    case undefined:
      throw new DbadminError('usage', `the ledger knows no "${kind}"`, { hint: `It knows ${DEED_KINDS.join(', ')}.` });
  }
}

function expect(kind: string, words: readonly string[], count: number, form: string): void {
  if (words.length !== count || words.some((word) => word === '')) throw usage(kind, form);
}

function usage(kind: string, form: string): DbadminError {
  return new DbadminError('usage', `${kind} takes ${form}`);
}

/** In lower case it is everybody as well: no role can have that name. */
function granteeOf(word: string): string {
  return word === 'public' ? 'PUBLIC' : word;
}

function parsePrivileges(text: string): readonly string[] {
  const privileges = text.split(',').map((each) => each.trim().toUpperCase());
  if (privileges.every((each) => /^[A-Z]+( [A-Z]+)?$/.test(each))) return privileges;
  throw new DbadminError('usage', `"${text}" are no privileges`, { hint: 'Such as SELECT, or INSERT,UPDATE, or ALL.' });
}

const OBJECT_KINDS = ['table', 'sequence', 'schema', 'database', 'function', 'procedure', 'all-tables'] as const;

function parseObject(text: string): RevokedObject {
  const colon = text.indexOf(':');
  const word = colon < 0 ? 'table' : text.slice(0, colon);
  const kind = OBJECT_KINDS.find((each) => each === word);
  const name = colon < 0 ? text : text.slice(colon + 1);
  if (kind === undefined || name === '')
    throw new DbadminError('usage', `"${text}" is no object`, {
      hint: `Write SCHEMA.TABLE, or KIND:NAME with one of ${OBJECT_KINDS.join(', ')}.`,
    });
  if (kind === 'schema' || kind === 'database') return { kind, schema: undefined, name };
  if (kind === 'all-tables') return { kind, schema: name, name };
  const dot = name.indexOf('.');
  if (dot <= 0) throw new DbadminError('usage', `"${text}" has no schema`, { hint: 'Write SCHEMA.NAME.' });
  return { kind, schema: name.slice(0, dot), name: name.slice(dot + 1) };
}

/** Numbers, true, false and null are what they say; quotes make text of anything; the rest is text as it stands. */
function parseArgument(word: string): LedgerArgument {
  if (/^(-?\d{1,15}(\.\d+)?|true|false|null|".*")$/s.test(word)) return JSON.parse(word) as LedgerArgument;
  return word;
}
