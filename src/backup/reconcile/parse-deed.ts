import { DbadminError, messageOf } from '../../base/errors.ts';
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
  if (kind !== 'subject-forgotten') refuseQuoted(words);
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
    case 'privilege-revoked': {
      expect(kind, words, 3, 'GRANTEE PRIVILEGE[,…] OBJECT');
      const on = parseObject(third);
      return { kind: 'privilege-revoked', database, grantee: granteeOf(first), privileges: parsePrivileges(second, on.kind), on };
    }
    case 'password-rotated':
      expect(kind, words, 1, 'ROLE');
      return { kind: 'password-rotated', role: first, verifier: null };
    case 'subject-forgotten': {
      refuseQuoted([first]);
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

const OF_TABLES = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'];

/** What the server knows to revoke. Another word would be refused by it at a restore, each time, when nobody can take it back any more. */
const PRIVILEGES: Readonly<Record<RevokedObject['kind'], readonly string[]>> = {
  table: OF_TABLES,
  'all-tables': OF_TABLES,
  sequence: ['USAGE', 'SELECT', 'UPDATE'],
  schema: ['USAGE', 'CREATE'],
  database: ['CONNECT', 'CREATE', 'TEMPORARY', 'TEMP'],
  function: ['EXECUTE'],
  procedure: ['EXECUTE'],
};

function parsePrivileges(text: string, on: RevokedObject['kind']): readonly string[] {
  const privileges = text.split(',').map((each) => each.trim().replaceAll(/\s+/g, ' ').toUpperCase());
  const isAll = privileges.length === 1 && ['ALL', 'ALL PRIVILEGES'].includes(privileges[0] ?? '');
  if (isAll || privileges.every((each) => PRIVILEGES[on].includes(each))) return privileges;
  throw new DbadminError('usage', `"${text}" are no privileges on ${on === 'all-tables' ? 'tables' : `a ${on}`}`, {
    hint: `There are ${PRIVILEGES[on].join(', ')}, or ALL by itself.${on === 'table' ? ' What is no table says so, as sequence:SCHEMA.NAME.' : ''}`,
  });
}

/** They would be taken for a part of the name, and a restore find nothing of that name. */
function refuseQuoted(words: readonly string[]): void {
  const quoted = words.find((word) => /(?:^|[.:])"|"(?:$|[.(])/.test(word.replace(/\(.*/s, '(')));
  if (quoted === undefined) return;
  throw new DbadminError('usage', `names in the ledger are not quoted, as in ${quoted}`, {
    hint: 'Write them as the catalog has them: Core.Play is the table "Play" of the schema "Core".',
  });
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

/** Numbers, true, false and null are what they say; quotes make text of anything; the rest is text as it stands, digits that a number has not too. */
function parseArgument(word: string): LedgerArgument {
  if (/^-?\d{1,15}(\.\d+)?$/.test(word)) return String(Number(word)) === word ? Number(word) : word;
  if (!/^(true|false|null|".*")$/s.test(word)) return word;
  try {
    return JSON.parse(word) as LedgerArgument;
  } catch (error) {
    throw new DbadminError('usage', `${word} is no text in quotes`, {
      detail: `It is read as JSON: ${messageOf(error)}.`,
      hint: 'A quote in it is written \\", a backslash \\\\. Text that does not begin and end with a quote needs none of that.',
      cause: error,
    });
  }
}
