import { asNode, asNodes, asText, nodeType, type AstNode } from '../sql/parser.ts';

/**
 * The schema of unqualified names once the statement ran, where it was `now` before. `usual` is that of a fresh session, in which every
 * file begins and which RESET brings back. "$user" is passed over: whether there is a schema of that name is not in the text.
 */
export function schemaAfter(node: AstNode, now: string, usual: string): string {
  const { type, fields } = nodeType(node);
  if (type !== 'VariableSetStmt') return now;
  if (fields['kind'] === 'VAR_RESET_ALL') return usual;
  if (fields['name'] !== 'search_path') return now;
  if (fields['kind'] === 'VAR_RESET' || fields['kind'] === 'VAR_SET_DEFAULT') return usual;
  const schemas = asNodes(fields['args']).flatMap((each) => asText(asNode(asNode(each['A_Const'])['sval'])['sval']) ?? []);
  return schemas.find((each) => each !== '$user') ?? (schemas.length > 0 ? usual : now);
}
