import { asNode, asNodes, asText, namesOf, nodeType, visitNodes, type AstNode } from '../sql/parser.ts';
import { DbadminError } from '../../base/errors.ts';
import { invalidAt } from '../files/problems.ts';
import type { ParsedSql, SqlFile, Statement } from '../files/migration.ts';

/** A repeatable file: `sql/routines/<schema>/<name>.sql`. */
export interface Routine {
  /** `schema/name`, as the history has it. */
  readonly name: string;
  readonly file: SqlFile;
  readonly parsed: ParsedSql;
}

/** A function or procedure as a file declares it. */
export interface Signature {
  /** Schema and name; one name when the file gives no schema. */
  readonly names: readonly string[];
  /** Input types as `to_regprocedure` reads them. */
  readonly inputs: readonly string[];
}

/**
 * Checks that the file may run again whenever it changes.
 *
 * @throws {DbadminError} `migration-invalid` at the statement that may not.
 */
export function checkRepeatable(routine: Routine): void {
  const { file, parsed } = routine;
  if (!parsed.directives.transaction) throw new DbadminError('migration-invalid', `${file.path}: no-transaction is for versioned files`);
  const drops = parsed.statements.some(({ kind, text }) => kind.command.startsWith('DROP ') && /\bif\s+exists\b/i.test(text));
  for (const statement of parsed.statements) {
    const { type, fields } = nodeType(statement.node ?? {});
    const again = fields['replace'] === true || fields['if_not_exists'] === true || drops;
    if (REPLACEABLE.has(type) && !again) {
      throw invalidAt(file.path, file.text, statement.start, `${statement.kind.command} cannot run a second time`, repeatHint(type));
    }
  }
}

const REPLACEABLE: ReadonlySet<string> = new Set([
  'CreateFunctionStmt',
  'ViewStmt',
  'CreateTrigStmt',
  'CreateTableAsStmt',
  'CreateStmt',
  'CreateEnumStmt',
  'CompositeTypeStmt',
  'CreateDomainStmt',
  'IndexStmt',
  'CreateSeqStmt',
]);

function repeatHint(type: string): string {
  if (['CreateFunctionStmt', 'ViewStmt', 'CreateTrigStmt'].includes(type))
    return 'Write CREATE OR REPLACE: a routine is applied again whenever it changes.';
  return 'Put DROP … IF EXISTS before it in this file, or write a versioned migration.';
}

/**
 * Routines in an order in which each comes after what it needs: views, trigger functions, types and called functions.
 * Bodies written as text are looked up when they run, so they order nothing. Equal inputs give equal orders.
 *
 * @throws {DbadminError} `migration-invalid` when routines need each other in a circle.
 */
export function orderRoutines(routines: readonly Routine[]): readonly Routine[] {
  const sorted = [...routines].sort((a, b) => (a.name < b.name ? -1 : 1));
  const makers = new Map<string, Routine[]>();
  for (const routine of sorted) {
    for (const name of definedNames(routine)) makers.set(name, [...(makers.get(name) ?? []), routine]);
  }
  const ordered: Routine[] = [];
  const state = new Map<Routine, 'open' | 'done'>();
  const place = (routine: Routine, path: readonly Routine[]): void => {
    if (state.get(routine) === 'done') return;
    if (state.get(routine) === 'open') {
      const circle = [...path.slice(path.indexOf(routine)), routine].map(({ name }) => name).join(' → ');
      throw new DbadminError('migration-invalid', `routines need each other in a circle: ${circle}`, {
        hint: 'Put them into one file in an order that works, or make one of the bodies a text.',
      });
    }
    state.set(routine, 'open');
    for (const name of neededNames(routine)) {
      for (const maker of makers.get(name) ?? []) if (maker !== routine) place(maker, [...path, routine]);
    }
    state.set(routine, 'done');
    ordered.push(routine);
  };
  for (const routine of sorted) place(routine, []);
  return ordered;
}

function definedNames(routine: Routine): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { node } of routine.parsed.statements) {
    const { type, fields } = nodeType(node ?? {});
    if (type === 'CreateFunctionStmt') names.add(qualified(namesOf(fields['funcname']), routine));
    else if (type === 'ViewStmt') names.add(qualified(rangeNames(fields['view']), routine));
    else if (type === 'CreateTableAsStmt') names.add(qualified(rangeNames(asNode(fields['into'])['rel']), routine));
    else if (type === 'CreateStmt') names.add(qualified(rangeNames(fields['relation']), routine));
    else if (type === 'CreateEnumStmt') names.add(qualified(namesOf(fields['typeName']), routine));
    else if (type === 'CreateDomainStmt') names.add(qualified(namesOf(fields['domainname']), routine));
    else if (type === 'CompositeTypeStmt') names.add(qualified(rangeNames(fields['typevar']), routine));
  }
  names.delete('');
  return names;
}

function neededNames(routine: Routine): ReadonlySet<string> {
  const names = new Set<string>();
  const add = (found: readonly string[]): void => void names.add(qualified(found, routine));
  for (const { node } of routine.parsed.statements) {
    const { fields: statement } = nodeType(node ?? {});
    if (nodeType(node ?? {}).type === 'CreateTrigStmt') {
      add(namesOf(statement['funcname']));
      add(rangeNames(statement['relation']));
    }
    visitNodes(node, (type, fields) => {
      if (type === 'RangeVar') add(rangeNames(fields));
      else if (type === 'FuncCall') add(namesOf(fields['funcname']));
      else if (type === 'TypeName' || type === 'returnType' || type === 'argType' || type === 'typeName') add(namesOf(fields['names']));
    });
  }
  return names;
}

/** An unqualified name belongs to the schema the folder is named after. */
function qualified(names: readonly string[], routine: Routine): string {
  if (names.length === 0) return '';
  return names.length === 1 ? `${routine.name.split('/', 1)[0] ?? ''}.${names[0] ?? ''}` : names.slice(-2).join('.');
}

function rangeNames(value: unknown): readonly string[] {
  const fields = asNode(value);
  const name = asText(fields['relname']);
  const schema = asText(fields['schemaname']);
  return name === undefined ? [] : schema === undefined ? [name] : [schema, name];
}

/** The functions and procedures a file declares, with their input types. */
export function signaturesOf(statements: readonly Statement[]): readonly Signature[] {
  return statements.flatMap(({ node }) => {
    const { type, fields } = nodeType(node ?? {});
    if (type !== 'CreateFunctionStmt') return [];
    const inputs = asNodes(fields['parameters'])
      .map((each) => asNode(each['FunctionParameter']))
      .filter(({ mode }) => mode !== 'FUNC_PARAM_OUT' && mode !== 'FUNC_PARAM_TABLE')
      .map((parameter) => typeText(asNode(parameter['argType'])));
    return [{ names: namesOf(fields['funcname']), inputs }];
  });
}

/** Signatures of `before` that `after` no longer declares although it still declares a routine of that name. */
export function outdatedOverloads(before: readonly Signature[], after: readonly Signature[]): readonly Signature[] {
  const key = ({ names, inputs }: Signature): string => JSON.stringify([names, inputs]);
  const kept = new Set(after.map(key));
  const named = new Set(after.map(({ names }) => names.join('.')));
  return before.filter((each) => !kept.has(key(each)) && named.has(each.names.join('.')));
}

function typeText(type: AstNode): string {
  const name = namesOf(type['names'])
    .map((each) => `"${each.replaceAll('"', '""')}"`)
    .join('.');
  return `${name}${asNodes(type['arrayBounds']).length > 0 ? '[]' : ''}`;
}

/** What `to_regprocedure` takes. */
export function signatureText({ names, inputs }: Signature): string {
  return `${names.map((each) => `"${each.replaceAll('"', '""')}"`).join('.')}(${inputs.join(', ')})`;
}
