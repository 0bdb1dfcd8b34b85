import type { DeclaredRole, Position, RolesDocument } from './document.ts';
import { checkRetirements } from './parse-retire.ts';
import type { Reader } from './reader.ts';

/** Checks that what the parts of the file say of one another holds: roles declared, databases known, no circle of members. */
export function checkReferences(reader: Reader, document: RolesDocument): void {
  const requireRole = (name: string, at: Position, where: string): void => {
    if (!document.roles.has(name))
      reader.problem(at, `${where} names role "${name}", which is not declared under groups, services or humans`);
  };
  checkRetirements(reader, document);
  for (const database of document.databases.values()) {
    for (const name of database.connect) requireRole(name, database.at, `connect of database ${database.name}`);
    for (const rule of [...database.access, ...database.columns]) {
      for (const name of rule.to) if (rule.bare !== true || name !== 'public') requireRole(name, rule.at, 'to');
    }
  }
  for (const rule of document.parameters) for (const name of rule.to) if (name !== 'public') requireRole(name, rule.at, 'to in parameters');
  for (const role of document.roles.values()) {
    for (const database of role.settingsIn.keys()) {
      if (!document.scope.databases.includes(database))
        reader.problem(role.at, `settings_in of role ${role.name}: database "${database}" is not in scope`);
    }
    const circle = findCircle(document.roles, role.name);
    if (circle !== undefined && circle.every((name) => role.name <= name)) {
      reader.problem(role.at, `membership runs in a circle: ${[...circle, role.name].join(' → ')}`);
    }
  }
}

/** The roles on a path of memberships from `start` back to it, beginning with `start`; undefined when there is none. */
function findCircle(roles: ReadonlyMap<string, DeclaredRole>, start: string): readonly string[] | undefined {
  const seen = new Set<string>();
  const walk = (name: string, path: readonly string[]): readonly string[] | undefined => {
    for (const { role } of roles.get(name)?.memberOf ?? []) {
      if (role === start) return path;
      if (seen.has(role)) continue;
      seen.add(role);
      const found = walk(role, [...path, role]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return walk(start, [start]);
}
