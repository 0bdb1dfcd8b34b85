import { asNode, asNodes, asText, namesOf, nodeType, visitNodes, type AstNode } from '../sql/parser.ts';
import { classify, droppedNames } from '../sql/classify.ts';
import type { RanFile, TableName } from './losses.ts';
import { schemaAfter } from './search-path.ts';

/** Something through which statements may have taken away more than their text tells. */
export type Suspect =
  | { readonly kind: 'routine'; readonly schema: string | undefined; readonly name: string; readonly by: string }
  /** Rows of the table were written, so its triggers ran. */
  | { readonly kind: 'triggers'; readonly table: TableName; readonly event: WriteEvent; readonly by: string }
  /** What depended on something dropped with CASCADE: nobody can tell any more. */
  | { readonly kind: 'dependents'; readonly of: string; readonly by: string }
  | { readonly kind: 'opaque'; readonly reason: string; readonly by: string };

export type WriteEvent = 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE';

/** Statements that call the functions they name when they run. */
const CALLERS: ReadonlySet<string> = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'CallStmt',
  'CreateTableAsStmt',
]);
/** What columns can depend on. */
const NEEDED_BY_COLUMNS: Readonly<Record<string, string>> = {
  OBJECT_TYPE: 'type',
  OBJECT_DOMAIN: 'domain',
  OBJECT_FUNCTION: 'function',
  OBJECT_ROUTINE: 'routine',
  OBJECT_EXTENSION: 'extension',
  OBJECT_COLLATION: 'collation',
};

/** The suspects in files that ran, each once, in their order. `usual` is the schema of unqualified tables where a file sets no search path. */
export function suspectsIn(files: readonly RanFile[], usual: string): readonly Suspect[] {
  const found = new Map<string, Suspect>();
  for (const file of files) {
    let schema = usual;
    for (const { node = {} } of file) {
      schema = schemaAfter(node, schema, usual);
      for (const each of suspectsOf(node, schema)) found.set(JSON.stringify(each), each);
    }
  }
  return [...found.values()];
}

function suspectsOf(node: AstNode, schema: string): readonly Suspect[] {
  const { type, fields } = nodeType(node);
  const { command } = classify(node, '');
  const by = type === 'MergeStmt' ? 'MERGE' : command;
  const cascades = fields['behavior'] === 'DROP_CASCADE';
  if (type === 'DropOwnedStmt') return [{ kind: 'dependents', of: 'what the roles owned', by: 'DROP OWNED' }];
  if (type === 'DropStmt' && cascades) {
    const what = NEEDED_BY_COLUMNS[asText(fields['removeType']) ?? ''];
    if (what === undefined) return [];
    return droppedNames(fields).map((name) => ({ kind: 'dependents', of: `what depended on ${what} ${name}`, by: `${command} … CASCADE` }));
  }
  if (type === 'AlterTableStmt') {
    return asNodes(fields['cmds']).flatMap((each): readonly Suspect[] => {
      const part = asNode(each['AlterTableCmd']);
      if (part['subtype'] !== 'AT_DropColumn' || part['behavior'] !== 'DROP_CASCADE') return [];
      return [{ kind: 'dependents', of: `what depended on column ${asText(part['name']) ?? ''}`, by: 'DROP COLUMN … CASCADE' }];
    });
  }
  return [...writesOf(type, fields, schema, by), ...(CALLERS.has(type) ? callsIn(fields, by) : [])];
}

function writesOf(type: string, fields: AstNode, schema: string, by: string): readonly Suspect[] {
  const on = (range: unknown, ...events: readonly WriteEvent[]): readonly Suspect[] => {
    const name = asText(asNode(range)['relname']);
    const table = { schema: asText(asNode(range)['schemaname']) ?? schema, name: name ?? '' };
    return name === undefined ? [] : events.map((event) => ({ kind: 'triggers', table, event, by }));
  };
  switch (type) {
    case 'InsertStmt':
      return on(fields['relation'], 'INSERT', ...(fields['onConflictClause'] === undefined ? [] : (['UPDATE'] as const)));
    case 'CopyStmt':
      return fields['is_from'] === true ? on(fields['relation'], 'INSERT') : [];
    case 'UpdateStmt':
      return on(fields['relation'], 'UPDATE');
    case 'DeleteStmt':
      return on(fields['relation'], 'DELETE');
    case 'MergeStmt':
      return on(fields['relation'], 'INSERT', 'UPDATE', 'DELETE');
    case 'TruncateStmt':
      return asNodes(fields['relations']).flatMap((each) => on(each['RangeVar'], 'TRUNCATE'));
    default:
      return [];
  }
}

function callsIn(fields: AstNode, by: string): readonly Suspect[] {
  const found: Suspect[] = [];
  visitNodes(fields, (type, call) => {
    if (type !== 'FuncCall' && type !== 'funccall') return;
    const names = namesOf(call['funcname']);
    const name = names.at(-1);
    if (name !== undefined) found.push({ kind: 'routine', schema: names.at(-2), name, by });
  });
  return found;
}
