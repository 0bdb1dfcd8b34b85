import { rangeName, showRelation } from '../../effects/relation-name.ts';
import { asNode, asText } from '../../sql/parser.ts';
import { alterParts, constraintsOf, effectOn, isFresh, type AlterPart, type Hit, type Rule, type Step } from '../rule.ts';
import { columnsNotNull } from './columns.ts';

const kindOf = ({ definition }: AlterPart): string => asText(definition['contype']) ?? '';
const isChecked = ({ definition }: AlterPart): boolean => definition['skip_validation'] !== true;
const nameOf = ({ definition }: AlterPart): string => asText(definition['conname']) ?? 'a_name';

function later(table: string, name: string, definition: string): string {
  return `ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition} NOT VALID;\n  and in the next file: ALTER TABLE ${table} VALIDATE CONSTRAINT ${name};`;
}

export const checkNotValid: Rule = {
  id: 'check-not-valid',
  summary: 'ADD CHECK without NOT VALID',
  why: 'The whole table is read under the strongest lock: 50 ms for each million rows. VALIDATE reads it while others read and write.',
  safe: later('table', 'name', 'CHECK (…)'),
  on: ['AlterTableStmt'],
  check: (step) =>
    alterParts(step, 'AT_AddConstraint').flatMap((part) => {
      if (!['CONSTR_CHECK', 'CONSTR_NOTNULL'].includes(kindOf(part)) || !isChecked(part) || part.effect?.work === 'none') return [];
      const table = showRelation(part.relation);
      return [{ message: `ADD CHECK on ${table}`, weight: 'rows', effect: part.effect, safe: later(table, nameOf(part), 'CHECK (…)') }];
    }),
};

export const foreignKeyNotValid: Rule = {
  id: 'fk-not-valid',
  summary: 'ADD FOREIGN KEY without NOT VALID',
  why: 'Both tables take no write until every row is compared: 100 ms for each million rows. VALIDATE compares while others write.',
  safe: later('table', 'name', 'FOREIGN KEY (…) REFERENCES …'),
  on: ['AlterTableStmt'],
  check: (step) => [...addedKeys(step), ...inlineKeys(step)],
};

function addedKeys(step: Step): readonly Hit[] {
  return alterParts(step, 'AT_AddConstraint').flatMap((part): readonly Hit[] => {
    if (kindOf(part) !== 'CONSTR_FOREIGN' || !isChecked(part)) return [];
    const referenced = rangeName(part.definition['pktable']);
    const [table, other] = [showRelation(part.relation), referenced === undefined ? '…' : showRelation(referenced)];
    const safe = later(table, nameOf(part), `FOREIGN KEY (…) REFERENCES ${other}`);
    return [{ message: `ADD FOREIGN KEY from ${table} to ${other}`, weight: 'rows', effect: part.effect, safe }];
  });
}

/** `ADD COLUMN … REFERENCES`: the column is empty, so nothing is compared, but the other table is locked too. */
function inlineKeys(step: Step): readonly Hit[] {
  return alterParts(step, 'AT_AddColumn').flatMap((part) =>
    constraintsOf(part.definition).flatMap((constraint): readonly Hit[] => {
      const other = rangeName(constraint['pktable']);
      if (constraint['contype'] !== 'CONSTR_FOREIGN' || other === undefined || isFresh(other, step)) return [];
      const [table, column] = [showRelation(part.relation), asText(part.definition['colname']) ?? ''];
      const safe = `ADD COLUMN ${column} alone, and in the next file: ALTER TABLE ${table} ADD FOREIGN KEY (${column}) REFERENCES ${showRelation(other)} NOT VALID;`;
      const why = 'Reads and writes of the one table and writes of the other wait at once, each for those who use it now.';
      return [
        {
          message: `ADD COLUMN ${column} REFERENCES ${showRelation(other)}`,
          weight: 'moment',
          effect: effectOn(other, part.effects, step),
          safe,
          why,
        },
      ];
    }),
  );
}

export const uniqueConstraint: Rule = {
  id: 'unique-constraint',
  summary: 'ADD UNIQUE or PRIMARY KEY that builds its index',
  why: 'Reads and writes stop until the index is built: 0.25 to 0.6 s for each million rows. An index built beforehand makes it instant.',
  safe: 'CREATE UNIQUE INDEX CONCURRENTLY name …, in a file that begins with -- dbadmin: no-transaction;\n  and in the next file: ALTER TABLE table ADD CONSTRAINT name UNIQUE USING INDEX name;',
  on: ['AlterTableStmt'],
  check: (step) => [
    ...alterParts(step, 'AT_AddConstraint').flatMap((part) => builtBy(part, kindOf(part), part.definition)),
    ...alterParts(step, 'AT_AddColumn').flatMap((part) =>
      constraintsOf(part.definition).flatMap((each) => builtBy(part, asText(each['contype']) ?? '', each)),
    ),
  ],
};

const BUILT: Readonly<Record<string, string>> = { CONSTR_UNIQUE: 'UNIQUE', CONSTR_PRIMARY: 'PRIMARY KEY', CONSTR_EXCLUSION: 'EXCLUDE' };

function builtBy(part: AlterPart, kind: string, constraint: Readonly<Record<string, unknown>>): readonly Hit[] {
  const words = BUILT[kind];
  if (words === undefined || constraint['indexname'] !== undefined) return [];
  const [table, name] = [showRelation(part.relation), asText(constraint['conname']) ?? 'a_name'];
  const message = `ADD ${words} on ${table}`;
  if (kind === 'CONSTR_EXCLUSION') {
    const safe = 'There is no form of EXCLUDE that lets others work; make the table anew beside this one, or choose a quiet hour.';
    return [{ message, weight: 'rows', effect: part.effect, safe }];
  }
  const safe = [
    `CREATE UNIQUE INDEX CONCURRENTLY ${name} ON ${table} (…);   in a file that begins with -- dbadmin: no-transaction`,
    `  and in the next file: ALTER TABLE ${table} ADD CONSTRAINT ${name} ${words} USING INDEX ${name};`,
  ].join('\n');
  return [{ message, weight: 'rows', effect: part.effect, safe }];
}

export const validateSameTransaction: Rule = {
  id: 'validate-same-tx',
  summary: 'NOT VALID and VALIDATE in one transaction',
  why: 'The strong lock of ADD CONSTRAINT is kept until the transaction ends, so VALIDATE reads the table under it and nothing is won.',
  safe: 'VALIDATE CONSTRAINT in the next file, or both in one that begins with -- dbadmin: no-transaction',
  on: ['AlterTableStmt'],
  check: (step) => {
    note(step);
    const validated = alterParts(step, 'AT_ValidateConstraint');
    return validated.flatMap((part): readonly Hit[] => {
      const key = `${showRelation(part.relation)}.${part.name}`;
      const check = step.state.notNull.get(key);
      if (check !== undefined) check.validated = true;
      step.state.checked.add(showRelation(part.relation));
      const lock = step.state.unvalidated.get(key);
      if (!step.inTransaction || lock === undefined) return [];
      const effect = part.effect === undefined ? undefined : { ...part.effect, lock };
      return [{ message: `VALIDATE CONSTRAINT ${part.name} in the transaction that added it`, weight: 'rows', effect }];
    });
  },
};

/** Remembers what this statement adds, for those after it. */
function note(step: Step): void {
  for (const part of alterParts(step, 'AT_AddConstraint')) {
    const key = `${showRelation(part.relation)}.${nameOf(part)}`;
    if (!isChecked(part)) step.state.unvalidated.set(key, part.effect?.lock ?? 'AccessExclusive');
    const columns = kindOf(part) === 'CONSTR_CHECK' ? columnsNotNull(asNode(part.definition['raw_expr'])) : [];
    if (columns.length > 0) step.state.notNull.set(key, { table: showRelation(part.relation), columns, validated: isChecked(part) });
    if (kindOf(part) === 'CONSTR_CHECK' && isChecked(part)) step.state.checked.add(showRelation(part.relation));
  }
}
