import type { Statement } from '../files/migration.ts';
import { asNode, asNodes, asText, nodeType, type AstNode } from '../sql/parser.ts';
import { layered, LayeredSet } from './layered-map.ts';
import { isMade, keyOf, type KnownObjects } from './known-objects.ts';
import { listedName, rangeName, relationKey, type RelationName } from './relation-name.ts';

/** What is known once the statement ran: what it made, dropped, renamed, and the search path it set. */
export function afterStatement({ node }: Pick<Statement, 'node'>, known: KnownObjects): KnownObjects {
  if (node === undefined) return known;
  const { type, fields } = nodeType(node);
  switch (type) {
    case 'CreateStmt':
      return afterCreateTable(fields, known);
    case 'CreateForeignTableStmt':
      return afterCreateTable(asNode(fields['base_stmt'] ?? fields['base']), known);
    case 'CreateTableAsStmt':
      return withMade(asNode(asNode(fields['into'])['rel']), known, fields['if_not_exists'] === true);
    case 'ViewStmt':
      return withMade(asNode(fields['view']), known, fields['replace'] === true);
    case 'CreateSeqStmt':
      return withMade(asNode(fields['sequence']), known, fields['if_not_exists'] === true);
    case 'IndexStmt':
      return afterCreateIndex(fields, known);
    case 'CreateSchemaStmt':
      return asNodes(fields['schemaElts']).reduce<KnownObjects>((so, each) => afterStatement({ node: each }, so), known);
    case 'DropStmt':
      return withoutMade(fields, known);
    case 'RenameStmt':
      return fields['renameType'] === 'OBJECT_COLUMN' || fields['subname'] !== undefined
        ? known
        : moved(rangeName(fields['relation']), { name: asText(fields['newname']) }, known);
    case 'AlterObjectSchemaStmt':
      return moved(rangeName(fields['relation']), { schema: asText(fields['newschema']) }, known);
    case 'VariableSetStmt':
      return fields['name'] === 'search_path' ? { ...known, schema: firstSchema(fields) } : known;
    default:
      return known;
  }
}

/** Without what only the file before knew. */
export function startOfFile(known: KnownObjects): KnownObjects {
  return { ...known, made: new Set(), schema: undefined };
}

function afterCreateTable(fields: AstNode, known: KnownObjects): KnownObjects {
  return withMade(asNode(fields['relation']), known, fields['if_not_exists'] === true);
}

/** `mayExist`: with IF NOT EXISTS or OR REPLACE, something that was there before stays what it was. */
function withMade(range: AstNode, known: KnownObjects, mayExist: boolean): KnownObjects {
  const name = rangeName(range);
  if (name === undefined) return known;
  if (mayExist && known.catalog?.relation(name) !== undefined) return known;
  const key = range['relpersistence'] === 't' ? relationKey({ schema: 'pg_temp', name: name.name }) : keyOf(name, known);
  return { ...known, made: LayeredSet.of(known.made).with(key) };
}

function afterCreateIndex(fields: AstNode, known: KnownObjects): KnownObjects {
  const table = rangeName(fields['relation']);
  const name = asText(fields['idxname']);
  if (table === undefined || name === undefined) return known;
  const index = { schema: table.schema, name };
  if (fields['if_not_exists'] === true && known.catalog?.relation(index) !== undefined) return known;
  const key = keyOf(index, known);
  return { ...known, made: LayeredSet.of(known.made).with(key), madeIndexes: layered(known.madeIndexes).with(key, table) };
}

function withoutMade(fields: AstNode, known: KnownObjects): KnownObjects {
  const dropped = asNodes(fields['objects']).flatMap((each) => listedName(each) ?? []);
  const gone = dropped.flatMap((each) => [keyOf(each, known), relationKey({ schema: 'pg_temp', name: each.name })]);
  return { ...known, made: LayeredSet.of(known.made).without(gone) };
}

function moved(
  from: RelationName | undefined,
  to: { readonly name?: string | undefined; readonly schema?: string | undefined },
  known: KnownObjects,
): KnownObjects {
  if (from === undefined) return known;
  const target = { schema: to.schema ?? from.schema, name: to.name ?? from.name };
  const [before, after] = [keyOf(from, known), keyOf(target, known)];
  if (isMade(from, known)) {
    return { ...known, made: LayeredSet.of(known.made).without([before]).with(after) };
  }
  const original = known.renamed.get(before) ?? { schema: from.schema ?? known.schema, name: from.name };
  return { ...known, renamed: new Map([...known.renamed, [after, original]]) };
}

function firstSchema(fields: AstNode): string | undefined {
  return asText(asNode(asNode(asNode(asNodes(fields['args'])[0])['A_Const'])['sval'])['sval']);
}
