import type { DeclaredSchema, Position, QualifiedName } from './document.ts';
import { expressionProblem } from './expression.ts';
import { POLICY_COMMANDS, type DeclaredPolicy, type DeclaredRowSecurity, type PolicyCommand } from './lifecycle.ts';
import { readName, readQualifiedName } from './names.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

/** `row_security:` of a database, in schemas that it declares. */
export function parseRowSecurity(
  reader: Reader,
  value: Untrusted | undefined,
  schemas: ReadonlyMap<string, DeclaredSchema>,
): readonly DeclaredRowSecurity[] {
  const found: DeclaredRowSecurity[] = [];
  for (const item of reader.list(value, 'row_security')) {
    const fields = reader.fields(item, 'row_security', ['table', 'enable', 'force', 'policies']);
    const named = fields.get('table');
    const table =
      named === undefined ? reader.problem(item.at, 'row_security: table is missing') : readQualifiedName(reader, named, 'table');
    const enable = reader.flag(fields.get('enable'), 'enable') ?? true;
    const force = reader.flag(fields.get('force'), 'force') ?? false;
    const policies = parsePolicies(reader, fields.get('policies'));
    if (table === undefined) continue;
    if (!schemas.has(table.schema)) reader.problem(named?.at ?? item.at, `schema "${table.schema}" is not declared under schemas`);
    const before = found.find((each) => isSame(each.table, table));
    if (before !== undefined) reader.problem(item.at, `row_security of ${show(table)} stands on line ${before.at.line} already`);
    found.push({ table, at: item.at, enable, force, policies });
  }
  return found;
}

function isSame(left: QualifiedName, right: QualifiedName): boolean {
  return left.schema === right.schema && left.name === right.name;
}

function show(table: QualifiedName): string {
  return `${table.schema}.${table.name}`;
}

function parsePolicies(reader: Reader, value: Untrusted | undefined): readonly DeclaredPolicy[] {
  const found: DeclaredPolicy[] = [];
  for (const item of reader.list(value, 'policies')) {
    const policy = parsePolicy(reader, item);
    if (policy === undefined) continue;
    if (found.some((each) => each.name === policy.name)) reader.problem(item.at, `row policy "${policy.name}" stands here twice`);
    found.push(policy);
  }
  return found;
}

function parsePolicy(reader: Reader, item: Untrusted): DeclaredPolicy | undefined {
  const fields = reader.fields(item, 'row policy', ['name', 'for', 'to', 'using', 'check', 'restrictive']);
  const named = fields.get('name');
  const name =
    named === undefined ? reader.problem(item.at, 'row policy: name is missing') : readName(reader, named, 'name of the row policy');
  const what = `row policy ${name ?? ''}`.trimEnd();
  const command = reader.oneOf(fields.get('for'), `for of ${what}`, POLICY_COMMANDS) ?? 'all';
  const expression = (key: 'using' | 'check'): string | undefined => {
    const text = reader.text(fields.get(key), `${key} of ${what}`)?.trim();
    const wrong = text === undefined ? undefined : expressionProblem(text);
    return wrong === undefined ? text : reader.problem(fields.get(key)?.at ?? item.at, `${key} of ${what}: ${wrong}`);
  };
  const [using, check] = [expression('using'), expression('check')];
  checkCommand(reader, item.at, what, command, { using: fields.get('using') !== undefined, check: fields.get('check') !== undefined });
  const to = parseTo(reader, fields.get('to'), what);
  if (name === undefined) return undefined;
  return { name, at: item.at, command, restrictive: reader.flag(fields.get('restrictive'), 'restrictive') ?? false, to, using, check };
}

/** Everybody is meant without `to` and with `public`. */
function parseTo(reader: Reader, value: Untrusted | undefined, what: string): readonly string[] | undefined {
  const items = reader.oneOrMore(value);
  if (items.length === 0) return undefined;
  const names = items.flatMap((item) => readName(reader, item, `to of ${what}`) ?? []);
  if (!names.includes('public')) return [...new Set(names)].sort();
  if (names.length > 1) reader.problem(value?.at ?? items[0]?.at ?? { line: 1, column: 1 }, `to of ${what}: public is everybody already`);
  return undefined;
}

/** What the server would refuse to a policy of this command. */
function checkCommand(
  reader: Reader,
  at: Position,
  what: string,
  command: PolicyCommand,
  has: { readonly using: boolean; readonly check: boolean },
): void {
  if (command === 'insert' && has.using) reader.problem(at, `${what}: for insert there is only check, because there is no row yet`);
  if ((command === 'select' || command === 'delete') && has.check) {
    reader.problem(at, `${what}: for ${command} there is only using, because no row is made`);
  }
  if (!has.using && !has.check) reader.problem(at, `${what}: write using, check or both`);
}
