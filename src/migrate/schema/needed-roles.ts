import { embeddedStatements } from '../sql/embedded.ts';
import type { ParsedSql } from '../files/migration.ts';
import { asNode, asNodes, asText, nodeType, visitNodes, type AstNode, type SqlParser } from '../sql/parser.ts';

/**
 * Roles that the statements name and do not create: they must be there before the files run on an empty server. DO blocks are
 * looked into; a role that an EXECUTE puts together while it runs is not seen.
 */
export function neededRoles(files: readonly ParsedSql[], parser: SqlParser): readonly string[] {
  const named = new Set<string>();
  const created = new Set<string>();
  for (const { statements } of files) {
    for (const statement of statements) {
      noteRoles(statement.node, named, created);
      for (const inner of embeddedStatements(statement, parser)) {
        // A block that makes a role only where there is none makes it on an empty server.
        if (inner.kind === 'sql' && inner.runs === 'now') noteRoles(inner.node, named, created);
      }
    }
  }
  for (const builtIn of ['', 'none', 'default']) named.delete(builtIn);
  return [...named].filter((role) => !created.has(role) && !role.startsWith('pg_')).sort();
}

function noteRoles(node: AstNode | undefined, named: Set<string>, created: Set<string>): void {
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
