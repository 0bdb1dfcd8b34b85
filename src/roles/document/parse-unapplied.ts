import type { Unsupported } from './document.ts';
import { readName, readObject, readQualifiedName } from './names.ts';
import { readNames, readRoleNames } from './parse-roles.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

/**
 * The parts of the language that are read and checked but not applied. Each is noted by name, so that nobody believes in a
 * rule that is not in force.
 */
export function parseColumns(reader: Reader, value: Untrusted | undefined, unsupported: Unsupported[]): void {
  for (const item of reader.list(value, 'columns')) {
    const fields = reader.fields(item, 'columns', ['on', 'to', 'allow', 'deny', 'privileges']);
    const on = fields.get('on');
    if (on === undefined) reader.problem(item.at, 'columns: on is missing');
    else readObject(reader, on, 'on in columns');
    readRoleNames(reader, fields.get('to'), 'to in columns');
    const isAllow = fields.get('allow') !== undefined;
    if (isAllow === (fields.get('deny') !== undefined)) reader.problem(item.at, 'columns: write either allow or deny');
    readNames(reader, fields.get(isAllow ? 'allow' : 'deny'), 'column');
    unsupported.push({ what: `columns on ${on?.kind === 'text' ? on.value : '?'}`, at: item.at });
  }
}

export function parseRowSecurity(reader: Reader, value: Untrusted | undefined, unsupported: Unsupported[]): void {
  for (const item of reader.list(value, 'row_security')) {
    const fields = reader.fields(item, 'row_security', ['table', 'enable', 'force', 'policies']);
    const table = fields.get('table');
    const name =
      table === undefined ? reader.problem(item.at, 'row_security: table is missing') : readQualifiedName(reader, table, 'table');
    reader.flag(fields.get('enable'), 'enable');
    reader.flag(fields.get('force'), 'force');
    for (const each of reader.list(fields.get('policies'), 'policies')) parsePolicy(reader, each);
    unsupported.push({ what: `row_security of ${name === undefined ? '?' : `${name.schema}.${name.name}`}`, at: item.at });
  }
}

function parsePolicy(reader: Reader, item: Untrusted): void {
  const fields = reader.fields(item, 'row policy', ['name', 'for', 'to', 'using', 'check', 'restrictive']);
  const name = fields.get('name');
  if (name === undefined) reader.problem(item.at, 'row policy: name is missing');
  else readName(reader, name, 'name of the row policy');
  reader.oneOf(fields.get('for'), 'for', ['all', 'select', 'insert', 'update', 'delete']);
  reader.flag(fields.get('restrictive'), 'restrictive');
  readNames(reader, fields.get('to'), 'to in row policy');
  for (const key of ['using', 'check'] as const) reader.text(fields.get(key), key);
}

export function parseParameters(reader: Reader, value: Untrusted | undefined, unsupported: Unsupported[]): void {
  for (const item of reader.list(value, 'parameters')) {
    const fields = reader.fields(item, 'parameters', ['grant', 'on', 'to', 'with_grant_option']);
    for (const word of reader.oneOrMore(fields.get('grant'))) reader.oneOf(word, 'grant in parameters', ['set', 'alter system']);
    const on = reader.required(fields.get('on'), 'parameters: on', item.at);
    readRoleNames(reader, fields.get('to'), 'to in parameters');
    reader.flag(fields.get('with_grant_option'), 'with_grant_option');
    unsupported.push({ what: `parameters on ${on ?? '?'}`, at: item.at });
  }
}

export function parseRetire(reader: Reader, value: Untrusted | undefined, unsupported: Unsupported[]): void {
  for (const item of reader.list(value, 'retire')) {
    const fields = reader.fields(item, 'retire', ['role', 'reassign_to', 'terminate', 'after']);
    const [role] = readRoleNames(reader, fields.get('role'), 'role in retire');
    if (fields.get('role') === undefined) reader.problem(item.at, 'retire: role is missing');
    readRoleNames(reader, fields.get('reassign_to'), 'reassign_to');
    reader.flag(fields.get('terminate'), 'terminate');
    reader.instant(fields.get('after'), 'after');
    unsupported.push({ what: `retire of ${role ?? '?'}`, at: item.at });
  }
}

const NEVER_FORM = /^(?:\S+ can not \S+ on (?:column|table|view|sequence|routine|schema|database) .+|no \S+ is \S+(?: except .+)?)$/;

export function parseNever(reader: Reader, value: Untrusted | undefined, unsupported: Unsupported[]): void {
  for (const item of reader.list(value, 'never')) {
    const text = reader.text(item, 'never');
    if (text === undefined) continue;
    if (!NEVER_FORM.test(text)) {
      reader.problem(
        item.at,
        `never: "${text}" is not a rule; write "svc_* can not update on table s.t" or "no login is superuser except x"`,
      );
    }
    unsupported.push({ what: `never "${text}"`, at: item.at });
  }
}
