import { factsOf, type RelationFacts } from '../../effects/known-objects.ts';
import { listedName, rangeName, relationKey, showRelation, type RelationName } from '../../effects/relation-name.ts';
import { asNode, asNodes } from '../../sql/parser.ts';
import { alterParts, constraintsOf, effectOn, isFresh, type Hit, type Rule, type Step } from '../rule.ts';

/** Names that PostgreSQL and people give to constraints that are no foreign keys. */
const OTHER_KINDS = /(_check|_chk|_ck|_key|_uq|_uniq|_unique|_pkey|_pk|_excl|_not_?null|_nn)\d*$/i;

export const dropForeignKey: Rule = {
  id: 'drop-fk',
  summary: 'DROP CONSTRAINT of a foreign key',
  why: 'The triggers of a foreign key stand on both tables, so the table it points to is locked against reads and writes too.',
  safe: 'a file of its own, so that both locks are held for that one statement, with a short -- dbadmin: lock-timeout',
  on: ['AlterTableStmt'],
  check: (step) =>
    alterParts(step, 'AT_DropConstraint').flatMap((part): readonly Hit[] => {
      const known = part.facts?.constraints.find(({ name }) => name === part.name);
      if (part.facts !== undefined ? known?.kind !== 'f' : OTHER_KINDS.test(part.name)) return [];
      const other = known?.references;
      const table = showRelation(part.relation);
      const message = `DROP CONSTRAINT ${part.name} of ${table}${other === undefined ? ', if it is a foreign key' : `, which points to ${showRelation(other)}`}`;
      return [{ message, weight: 'moment', effect: other === undefined ? part.effect : effectOn(other, part.effects, step) }];
    }),
};

export const dropTableWithForeignKey: Rule = {
  id: 'drop-table-with-fk',
  summary: 'DROP TABLE of one with foreign keys',
  why: 'Its foreign keys go with it, and for that the tables they point to are locked against reads and writes.',
  safe: 'ALTER TABLE … DROP CONSTRAINT of each foreign key in files of their own, then DROP TABLE',
  on: ['DropStmt'],
  check: (step) => {
    if (step.fields['removeType'] !== 'OBJECT_TABLE') return [];
    const dropped = asNodes(step.fields['objects']).flatMap((each) => listedName(each) ?? []);
    const together = new Set(dropped.flatMap((each) => keyOfFacts(factsOf(each, step.known))));
    return dropped.flatMap((table) => {
      if (isFresh(table, step)) return [];
      const facts = factsOf(table, step.known);
      const cascades = step.fields['behavior'] === 'DROP_CASCADE' ? (facts?.referencedBy ?? []).map((each) => each.table) : [];
      const away = [...(facts?.constraints ?? []).flatMap(({ references }) => references ?? []), ...cascades];
      return distinct(away)
        .filter((other) => !together.has(relationKey(other)))
        .map((other): Hit => {
          const safe = (facts?.constraints ?? [])
            .filter(({ references }) => references !== undefined && relationKey(references) === relationKey(other))
            .map(({ name }) => `ALTER TABLE ${showRelation(table)} DROP CONSTRAINT ${name};   -- in a file of its own`);
          const message = `DROP TABLE ${showRelation(table)} locks ${showRelation(other)}`;
          return {
            message,
            weight: 'moment',
            effect: effectOn(other, step.effects(), step),
            ...(safe.length > 0 ? { safe: safe.join('\n  ') } : {}),
          };
        });
    });
  },
};

function keyOfFacts(facts: RelationFacts | undefined): readonly string[] {
  return facts === undefined ? [] : [relationKey(facts.relation)];
}

function distinct(relations: readonly RelationName[]): readonly RelationName[] {
  return [...new Map(relations.map((each) => [relationKey(each), each])).values()];
}

export const foreignKeyOnCreate: Rule = {
  id: 'fk-on-create-table',
  summary: 'CREATE TABLE … REFERENCES',
  why: 'The table it points to takes no write until the file commits, and the lock waits behind every transaction that wrote to it.',
  safe: 'CREATE TABLE without REFERENCES, and in a file of its own: ALTER TABLE … ADD FOREIGN KEY … NOT VALID, then VALIDATE',
  on: ['CreateStmt'],
  check: (step) => {
    const own = rangeName(step.fields['relation']);
    if (own === undefined || isThere(own, step)) return [];
    const elements = asNodes(step.fields['tableElts']);
    const constraints = [
      ...elements.map((each) => asNode(each['Constraint'])),
      ...elements.flatMap((each) => constraintsOf(asNode(each['ColumnDef']))),
      ...constraintsOf({ constraints: step.fields['constraints'] }),
    ];
    const others = constraints.filter(({ contype }) => contype === 'CONSTR_FOREIGN').flatMap((each) => rangeName(each['pktable']) ?? []);
    return distinct(others)
      .filter((other) => relationKey(other) !== relationKey(own) && !isFresh(other, step))
      .map((other): Hit => {
        const [table, parent] = [showRelation(own), showRelation(other)];
        const safe = `CREATE TABLE ${table} without REFERENCES, and in a file of its own:\n  ALTER TABLE ${table} ADD FOREIGN KEY (…) REFERENCES ${parent} NOT VALID;`;
        return {
          message: `CREATE TABLE ${table} REFERENCES ${parent}`,
          weight: 'moment',
          effect: effectOn(other, step.effects(), step),
          safe,
        };
      });
  },
};

/** IF NOT EXISTS of what exists does nothing. */
function isThere(own: RelationName, step: Step): boolean {
  return step.fields['if_not_exists'] === true && factsOf(own, step.known) !== undefined;
}
