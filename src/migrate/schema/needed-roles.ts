import { asNodes, asText, nodeType, visitNodes, asNode } from '../parser.ts';
import type { ParsedSql } from '../migration.ts';

/**
 * Roles that the statements name and do not create: they must be there before the files run on an empty server. A role named
 * only inside a DO block or a function's body is not seen.
 */
export function neededRoles(files: readonly ParsedSql[]): readonly string[] {
  const named = new Set<string>();
  const created = new Set<string>();
  for (const { statements } of files) {
    for (const { node } of statements) {
      const { type, fields } = nodeType(node ?? {});
      if (type === 'CreateRoleStmt') created.add(asText(fields['role']) ?? '');
      if (type === 'VariableSetStmt' && ['role', 'session_authorization'].includes(asText(fields['name']) ?? '')) {
        for (const each of asNodes(fields['args'])) named.add(asText(asNode(asNode(each['A_Const'])['sval'])['sval']) ?? '');
      }
      visitNodes(node, (_, inner) => {
        if (inner['roletype'] === 'ROLESPEC_CSTRING') named.add(asText(inner['rolename']) ?? '');
      });
      if (type === 'GrantRoleStmt') {
        for (const each of asNodes(fields['granted_roles'])) named.add(asText(asNode(each['AccessPriv'])['priv_name']) ?? '');
      }
    }
  }
  for (const builtIn of ['', 'none', 'default']) named.delete(builtIn);
  return [...named].filter((role) => !created.has(role) && !role.startsWith('pg_')).sort();
}
