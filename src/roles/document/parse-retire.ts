import type { Position, RolesDocument } from './document.ts';
import type { Retirement } from './lifecycle.ts';
import { nameProblem, readRoleName } from './names.ts';
import type { Reader } from './reader.ts';
import type { Untrusted } from './untrusted.ts';

/** `retire:`. */
export function parseRetire(reader: Reader, value: Untrusted | undefined): readonly Retirement[] {
  const found: Retirement[] = [];
  for (const item of reader.list(value, 'retire')) {
    const retirement = parseOne(reader, item);
    if (retirement === undefined) continue;
    const before = found.find((each) => each.role === retirement.role);
    if (before === undefined) found.push(retirement);
    else reader.problem(item.at, `role "${retirement.role}" is retired on line ${before.at.line} already`);
  }
  return found;
}

function parseOne(reader: Reader, item: Untrusted): Retirement | undefined {
  const fields = reader.fields(item, 'retire', ['role', 'reassign_to', 'terminate', 'after']);
  const role = reader.required(fields.get('role'), 'retire: role', item.at);
  const heir = fields.get('reassign_to');
  const reassignTo = heir === undefined ? undefined : readRoleName(reader, heir, 'reassign_to');
  const terminate = reader.flag(fields.get('terminate'), 'terminate') ?? false;
  const after = reader.instant(fields.get('after'), 'after');
  if (role === undefined) return undefined;
  const wrong = nameProblem(role) ?? (role.startsWith('pg_') ? `"${role}" is the server's own role and cannot be retired` : undefined);
  if (wrong !== undefined) return reader.problem(fields.get('role')?.at ?? item.at, `retire: ${wrong}`);
  if (reassignTo === role) return reader.problem(heir?.at ?? item.at, `retire: ${role} cannot inherit from itself`);
  return { role, at: item.at, reassignTo, terminate, after };
}

/** Checks that nothing else in the file counts on a role that is to go. */
export function checkRetirements(reader: Reader, document: RolesDocument): void {
  const retired = new Map(document.retire.map((each) => [each.role, each]));
  const refuse = (name: string | undefined, at: Position, where: string): void => {
    const found = name === undefined ? undefined : retired.get(name);
    if (found !== undefined) reader.problem(at, `${where} names role "${found.role}", which is retired on line ${found.at.line}`);
  };
  for (const { role, reassignTo, at } of document.retire) {
    const declared = document.roles.get(role);
    if (declared !== undefined) reader.problem(at, `role "${role}" is declared on line ${declared.at.line}: declare it or retire it`);
    refuse(reassignTo, at, 'reassign_to');
  }
  for (const role of document.roles.values())
    for (const edge of role.memberOf) refuse(edge.role, edge.at, `member_of of role ${role.name}`);
  for (const database of document.databases.values()) {
    for (const { name, owner, creators, at } of database.schemas.values()) {
      for (const each of new Set([owner, ...creators])) refuse(each, at, `schema ${name}`);
    }
    for (const { policies } of database.rowSecurity) {
      for (const policy of policies) for (const name of policy.to ?? []) refuse(name, policy.at, `row policy ${policy.name}`);
    }
  }
}
