import type { Statement } from '../files/migration.ts';
import { asNode, asNodes, asText, namesOf, nodeType, visitNodes } from '../sql/parser.ts';
import { afterStatement } from './after.ts';
import { effectsOf } from './effects.ts';
import type { WantedFacts } from './inspect.ts';
import { NOTHING_KNOWN } from './known-objects.ts';
import { rangeName, relationKey, type RelationName } from './relation-name.ts';

/** The relations and functions that statements name, so that the catalog is asked for those alone. */
export function wantedFacts(files: readonly (readonly Pick<Statement, 'node'>[])[]): WantedFacts {
  const relations = new Map<string, RelationName>();
  const functions = new Set<string>();
  const want = (relation: RelationName | undefined): void => {
    if (relation !== undefined) relations.set(relationKey(relation), relation);
  };
  for (const statements of files) {
    let known = NOTHING_KNOWN;
    for (const statement of statements) {
      // The worst that a statement can touch without a catalog names all that a catalog can be asked about.
      const own = [...effectsOf(statement, known).map(({ relation }) => relation), ...madeNames(statement)];
      for (const relation of own) {
        want(relation);
        if (relation.schema === undefined && known.schema !== undefined) want({ schema: known.schema, name: relation.name });
      }
      visitNodes(statement.node, (type, fields) => {
        if (type === 'FuncCall') for (const name of namesOf(fields['funcname']).slice(-1)) functions.add(name);
      });
      known = afterStatement(statement, known);
    }
  }
  return { relations: [...relations.values()], functions: [...functions] };
}

/** Names that a CREATE … IF NOT EXISTS may find taken, and indexes that become constraints. */
function madeNames({ node }: Pick<Statement, 'node'>): readonly RelationName[] {
  const { type, fields } = nodeType(node ?? {});
  if (type === 'IndexStmt') {
    const name = asText(fields['idxname']);
    return name === undefined ? [] : [{ schema: rangeName(fields['relation'])?.schema, name }];
  }
  if (type === 'AlterTableStmt') {
    const schema = rangeName(fields['relation'])?.schema;
    return asNodes(fields['cmds']).flatMap((each) => {
      const name = asText(asNode(asNode(asNode(each['AlterTableCmd'])['def'])['Constraint'])['indexname']);
      return name === undefined ? [] : [{ schema, name }];
    });
  }
  const made =
    type === 'CreateStmt'
      ? rangeName(fields['relation'])
      : type === 'CreateTableAsStmt'
        ? rangeName(asNode(fields['into'])['rel'])
        : undefined;
  return made === undefined ? [] : [made];
}
