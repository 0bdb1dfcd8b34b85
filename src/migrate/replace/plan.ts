import { asNode, asNodes, asText, namesOf, nodeType, type AstNode } from '../sql/parser.ts';
import type { Routine } from '../routines/routines.ts';
import type { Statement } from '../files/migration.ts';

/** Something that cannot stay when what it needs is dropped. */
export interface Dependent {
  /** As PostgreSQL names its kind: `view`, `function`, `trigger`, `default value`. */
  readonly type: string;
  /** As DROP takes it, for those kinds that are dropped: qualified and quoted. */
  readonly identity: string;
  /** `view core.m`, `function core.f`, `trigger t on core.t`, unquoted; overloads share one. Undefined where no routine can make it. */
  readonly key: string | undefined;
  /** DROP in full; undefined when it is not for routines to drop. */
  readonly dropSql: string | undefined;
  /** Its name alone, unquoted; empty where it has none. */
  readonly name: string;
}

/** A dependent that was dropped for another: it has to be there again before the run is recorded. */
export interface DroppedDependent {
  readonly dependent: Dependent;
  /** The file for which it had to go. */
  readonly file: string;
  /** The routines whose files make it, or another overload of its name. */
  readonly makers: readonly Routine[];
}

/** What a statement wants to replace or drop. */
export interface ReplaceTarget {
  readonly kind: 'relation' | 'routine';
  /** As `to_regclass` or `to_regprocedure` reads it. */
  readonly text: string;
}

/**
 * Who makes what: keys as in {@link Dependent.key}. The routine's own schema stands in for one that is left out. Several files make one
 * key where overloads are in files of their own.
 */
export function makersOf(routines: readonly Routine[]): ReadonlyMap<string, readonly Routine[]> {
  const makers = new Map<string, readonly Routine[]>();
  for (const routine of routines) {
    for (const { node } of routine.parsed.statements) {
      const key = madeKey(node ?? {}, routine.name.split('/', 1)[0] ?? '');
      if (key === undefined) continue;
      const known = makers.get(key) ?? [];
      if (!known.includes(routine)) makers.set(key, [...known, routine]);
    }
  }
  return makers;
}

function madeKey(node: AstNode, schema: string): string | undefined {
  const { type, fields } = nodeType(node);
  const qualified = (names: readonly string[]): string => (names.length === 1 ? `${schema}.${names[0] ?? ''}` : names.slice(-2).join('.'));
  const relation = (value: unknown): string => qualified(relationNames(value));
  if (type === 'ViewStmt') return `view ${relation(fields['view'])}`;
  if (type === 'CreateTableAsStmt') return `view ${relation(asNode(fields['into'])['rel'])}`;
  if (type === 'CreateFunctionStmt') return `function ${qualified(namesOf(fields['funcname']))}`;
  if (type === 'CreateTrigStmt') return `trigger ${asText(fields['trigname']) ?? ''} on ${relation(fields['relation'])}`;
  if (type === 'IndexStmt') {
    const names = relationNames(fields['relation']);
    const name = asText(fields['idxname']);
    return name === undefined ? undefined : `index ${qualified([...names.slice(0, -1), name])}`;
  }
  return undefined;
}

function relationNames(value: unknown): readonly string[] {
  const fields = asNode(value);
  return [asText(fields['schemaname']), asText(fields['relname'])].flatMap((name) => name ?? []);
}

/**
 * What a statement that the server refused would have replaced: PostgreSQL says that a function's result, a view's columns or the
 * kind of an object cannot change, or that something needs what is to be dropped. Empty when it is not such a statement.
 */
export function replaceTargets({ node }: Statement): readonly ReplaceTarget[] {
  const { type, fields } = nodeType(node ?? {});
  if (type === 'ViewStmt') return [{ kind: 'relation', text: quoted(relationNames(fields['view'])) }];
  if (type === 'CreateFunctionStmt') {
    const inputs = asNodes(fields['parameters'])
      .map((each) => asNode(each['FunctionParameter']))
      .filter(({ mode }) => mode !== 'FUNC_PARAM_OUT' && mode !== 'FUNC_PARAM_TABLE')
      .map(({ argType }) => typeText(asNode(argType)));
    return [{ kind: 'routine', text: `${quoted(namesOf(fields['funcname']))}(${inputs.join(', ')})` }];
  }
  if (type !== 'DropStmt') return [];
  const dropped = asText(fields['removeType']) ?? '';
  return asNodes(fields['objects']).flatMap((each): readonly ReplaceTarget[] => {
    const { type: form, fields: named } = nodeType(each);
    if (dropped === 'OBJECT_VIEW' || dropped === 'OBJECT_MATVIEW') return [{ kind: 'relation', text: quoted(namesOf(named['items'])) }];
    if (!['OBJECT_FUNCTION', 'OBJECT_PROCEDURE', 'OBJECT_ROUTINE'].includes(dropped) || form !== 'ObjectWithArgs') return [];
    const name = quoted(namesOf(named['objname']));
    if (named['args_unspecified'] === true) return [{ kind: 'routine', text: name }];
    const inputs = asNodes(named['objargs']).map((argument) => typeText(asNode(argument['TypeName'])));
    return [{ kind: 'routine', text: `${name}(${inputs.join(', ')})` }];
  });
}

function typeText(type: AstNode): string {
  return `${quoted(namesOf(type['names']))}${asNodes(type['arrayBounds']).length > 0 ? '[]' : ''}`;
}

function quoted(names: readonly string[]): string {
  return names.map((each) => `"${each.replaceAll('"', '""')}"`).join('.');
}
