import { showRelation } from '../../effects/relation-name.ts';
import { asNode, asText, namesOf, type AstNode } from '../../sql/parser.ts';
import { alterParts, constraintsOf, type AlterPart, type Rule } from '../rule.ts';

const kindsOf = (part: AlterPart): readonly string[] => constraintsOf(part.definition).map(({ contype }) => asText(contype) ?? '');
const columnOf = (part: AlterPart): string => asText(part.definition['colname']) ?? '';
const typeOf = ({ definition }: AlterPart): string => namesOf(asNode(definition['typeName'])['names']).at(-1) ?? '';
const added = (part: AlterPart): string => `ADD COLUMN ${columnOf(part)} to ${showRelation(part.relation)}`;

function fills(part: AlterPart): boolean {
  return (
    typeOf(part).includes('serial') ||
    kindsOf(part).some((kind) => ['CONSTR_DEFAULT', 'CONSTR_IDENTITY', 'CONSTR_GENERATED'].includes(kind))
  );
}

/** The steps that fill a column little by little. */
function backfill(table: string, column: string, type: string, value: string): string {
  return [
    `ALTER TABLE ${table} ADD COLUMN ${column} ${type};`,
    `  ALTER TABLE ${table} ALTER COLUMN ${column} SET DEFAULT ${value};   -- new rows`,
    `  then fill the old rows in batches, in a file that begins with -- dbadmin: no-transaction`,
  ].join('\n');
}

export const addColumnVolatileDefault: Rule = {
  id: 'add-column-volatile-default',
  summary: 'ADD COLUMN with a value that differs from row to row',
  why: 'Every row and every index is written anew: 1.5 to 3 s for each million narrow rows. A constant or now() is kept in the catalog.',
  safe: backfill('table', 'column', 'type', 'random_value()'),
  on: ['AlterTableStmt'],
  check: (step) =>
    alterParts(step, 'AT_AddColumn').flatMap((part) => {
      if (part.effect?.work !== 'rewrite' || !fills(part)) return [];
      const what = typeOf(part).includes('serial') ? typeOf(part) : reasonOf(part);
      const safe =
        what === 'a stored generated value'
          ? `ADD COLUMN ${columnOf(part)} without GENERATED, a trigger that keeps it, and the old rows filled in batches; in PostgreSQL 18 GENERATED … VIRTUAL`
          : backfill(showRelation(part.relation), columnOf(part), '…', what === 'a volatile default' ? '…' : "nextval('a_sequence')");
      return [{ message: `${added(part)} with ${what}`, weight: 'rows', effect: part.effect, safe, ...assumed(part) }];
    }),
};

function reasonOf(part: AlterPart): string {
  const kinds = kindsOf(part);
  if (kinds.includes('CONSTR_GENERATED')) return 'a stored generated value';
  return kinds.includes('CONSTR_IDENTITY') ? 'an identity' : 'a volatile default';
}

function assumed({ effect }: AlterPart): { readonly why?: string } {
  return effect?.assumed === undefined ? {} : { why: `${capital(effect.assumed)}; if so, every row is written anew.` };
}

function capital(text: string): string {
  // Names keep their letters.
  return text.startsWith('the ') ? `T${text.slice(1)}` : text;
}

export const addColumnNotNull: Rule = {
  id: 'add-column-not-null',
  summary: 'ADD COLUMN NOT NULL without a default',
  why: 'It fails as soon as the table has a row: there is nothing to put into the column.',
  safe: 'ADD COLUMN with a constant DEFAULT, which may be dropped again; or without NOT NULL, filled in batches, and then as set-not-null says',
  on: ['AlterTableStmt'],
  check: (step) =>
    alterParts(step, 'AT_AddColumn').flatMap((part) => {
      const kinds = kindsOf(part);
      if (fills(part) || !kinds.some((kind) => kind === 'CONSTR_NOTNULL' || kind === 'CONSTR_PRIMARY')) return [];
      const rows = part.facts?.rows;
      const weight = rows === undefined ? 'warning' : rows === 0 ? 'notice' : 'error';
      const table = showRelation(part.relation);
      const safe = `ALTER TABLE ${table} ADD COLUMN ${columnOf(part)} … NOT NULL DEFAULT a_constant;\n  ALTER TABLE ${table} ALTER COLUMN ${columnOf(part)} DROP DEFAULT;`;
      return [{ message: `${added(part)} NOT NULL without a default`, weight, effect: part.effect, safe }];
    }),
};

export const addColumnCheck: Rule = {
  id: 'add-column-check',
  summary: 'ADD COLUMN with a CHECK',
  why: 'The whole table is read under the strongest lock, although the new column is the same in every row: 70 ms for each million rows.',
  safe: 'ADD COLUMN alone, then ADD CONSTRAINT … CHECK (…) NOT VALID, then VALIDATE CONSTRAINT in the next file',
  on: ['AlterTableStmt'],
  check: (step) =>
    alterParts(step, 'AT_AddColumn').flatMap((part) => {
      if (!kindsOf(part).includes('CONSTR_CHECK')) return [];
      const [table, column] = [showRelation(part.relation), columnOf(part)];
      const safe = `ALTER TABLE ${table} ADD COLUMN ${column} …;\n  ALTER TABLE ${table} ADD CONSTRAINT ${column}_check CHECK (…) NOT VALID;\n  and in the next file: ALTER TABLE ${table} VALIDATE CONSTRAINT ${column}_check;`;
      return [{ message: `${added(part)} with a CHECK`, weight: 'rows', effect: part.effect, safe }];
    }),
};

export const typeChange: Rule = {
  id: 'type-change',
  summary: 'ALTER COLUMN … TYPE that writes the table anew',
  why: 'Every row and every index is written anew: 1.4 to 1.7 s for each million narrow rows; a view on the column makes it fail. A longer varchar, text and a wider numeric cost nothing.',
  safe: 'a new column of the type, a trigger that fills it, the old rows in batches, then both renamed in one short file',
  on: ['AlterTableStmt'],
  check: (step) =>
    alterParts(step, 'AT_AlterColumnType').flatMap((part) => {
      if (part.effect === undefined || part.effect.work === 'none') return [];
      const [table, column] = [showRelation(part.relation), part.name];
      const safe = `ALTER TABLE ${table} ADD COLUMN ${column}_new …;   -- with a trigger that fills it\n  fill the old rows in batches, then in one short file swap the names of ${column} and ${column}_new`;
      const why =
        part.effect.assumed === undefined
          ? {}
          : {
              why: `The present type is not known here; unless it is stored the same way, every row is written anew. With a database (without --offline) lint knows.`,
            };
      return [{ message: `ALTER COLUMN ${column} TYPE on ${table}`, weight: 'rows', effect: part.effect, safe, ...why }];
    }),
};

export const setNotNull: Rule = {
  id: 'set-not-null',
  summary: 'SET NOT NULL that reads the table',
  why: 'The whole table is read under the strongest lock: 80 ms for each million rows. A validated CHECK that says the same makes it instant.',
  safe: 'ADD CONSTRAINT … CHECK (column IS NOT NULL) NOT VALID; VALIDATE CONSTRAINT; SET NOT NULL; DROP CONSTRAINT',
  on: ['AlterTableStmt'],
  check: (step) =>
    alterParts(step, 'AT_SetNotNull').flatMap((part) => {
      if (part.effect === undefined || part.effect.work === 'none' || isProven(part, step.state.notNull)) return [];
      const [table, column] = [showRelation(part.relation), part.name];
      const safe = [
        `ALTER TABLE ${table} ADD CONSTRAINT ${column}_not_null CHECK (${column} IS NOT NULL) NOT VALID;`,
        `  and in a file that begins with -- dbadmin: no-transaction`,
        `  ALTER TABLE ${table} VALIDATE CONSTRAINT ${column}_not_null;`,
        `  ALTER TABLE ${table} ALTER COLUMN ${column} SET NOT NULL;`,
        `  ALTER TABLE ${table} DROP CONSTRAINT ${column}_not_null;`,
      ].join('\n');
      return [{ message: `SET NOT NULL of ${column} on ${table}`, weight: 'rows', effect: part.effect, safe }];
    }),
};

function isProven(
  part: AlterPart,
  checks: ReadonlyMap<string, { readonly table: string; readonly columns: readonly string[]; readonly validated: boolean }>,
): boolean {
  const table = showRelation(part.relation);
  return [...checks.values()].some((each) => each.validated && each.table === table && each.columns.includes(part.name));
}

/** The columns that a CHECK says are not null: the expression itself, or its parts joined by AND. */
export function columnsNotNull(expression: AstNode): readonly string[] {
  const test = asNode(expression['NullTest']);
  if (test['nulltesttype'] === 'IS_NOT_NULL') return namesOf(asNode(asNode(test['arg'])['ColumnRef'])['fields']).slice(-1);
  const both = asNode(expression['BoolExpr']);
  if (both['boolop'] !== 'AND_EXPR' || !Array.isArray(both['args'])) return [];
  return both['args'].flatMap((each) => columnsNotNull(asNode(each)));
}
