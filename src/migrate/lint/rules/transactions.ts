import { factsOf, keyOf } from '../../effects/known-objects.ts';
import { lockLevel } from '../../effects/lock-modes.ts';
import { showRelation } from '../../effects/relation-name.ts';
import type { Effect } from '../../effects/effect.ts';
import { asNodes, asText, namesOf, visitNodes } from '../../sql/parser.ts';
import { isFresh, type Hit, type Rule, type Step } from '../rule.ts';

/** These lock no table so that others wait, and their trees can be long. */
const HARMLESS: ReadonlySet<string> = new Set([
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'SelectStmt',
  'CopyStmt',
  'CommentStmt',
]);

export const mixedTables: Rule = {
  id: 'mixed-tables',
  summary: 'strong locks on several tables in one transaction',
  why: 'While it waits for the second table it holds the first, and whoever uses them in the other order deadlocks with it.',
  safe: 'one table to a file; what must be together in the order in which the application uses them',
  on: [],
  check: (step) => {
    if (!step.inTransaction || HARMLESS.has(step.type)) return [];
    const strong = step.effects().filter((each) => isStrong(each, step));
    const { locked, said } = step.state;
    const other =
      locked.size > 0 && !said.has('mixed-tables') ? strong.find((each) => !locked.has(showRelation(each.relation))) : undefined;
    const first = [...locked.keys()][0];
    for (const each of strong) locked.set(showRelation(each.relation), each.relation);
    if (other === undefined || first === undefined) return [];
    said.add('mixed-tables');
    const message = `${showRelation(other.relation)} is locked while ${first} is, in one transaction`;
    const safe = `put what concerns ${showRelation(other.relation)} into a file of its own: dbadmin migrate new NAME`;
    return [{ message, weight: 'moment', effect: other, safe }];
  },
};

function isStrong({ relation, lock }: Effect, step: Step): boolean {
  if (lockLevel(lock) < lockLevel('Share') || isFresh(relation, step) || step.known.madeIndexes.has(keyOf(relation, step.known)))
    return false;
  if (step.type === 'DropStmt' && step.fields['removeType'] === 'OBJECT_INDEX' && factsOf(relation, step.known) === undefined) return false;
  if (step.type === 'AlterSeqStmt') return false;
  return !['i', 'I', 'S', 'v'].includes(factsOf(relation, step.known)?.kind ?? 'r');
}

export const enumAddUse: Rule = {
  id: 'enum-add-use',
  summary: 'ALTER TYPE … ADD VALUE in a transaction',
  why: 'The value cannot be used before the transaction that added it commits (PostgreSQL refuses it), and is never taken out again.',
  safe: 'a file that begins with -- dbadmin: no-transaction: ALTER TYPE … ADD VALUE IF NOT EXISTS …; what uses the value comes in the next file',
  on: [],
  check: (step) => {
    if (!step.inTransaction) return [];
    if (step.type === 'CreateEnumStmt') step.state.enums.add(namesOf(step.fields['typeName']).join('.'));
    if (step.type === 'AlterEnumStmt') return addedValue(step);
    return step.state.enumValues.size === 0 ? [] : usedValues(step);
  },
};

function addedValue(step: Step): readonly Hit[] {
  const type = namesOf(step.fields['typeName']).join('.');
  const value = asText(step.fields['newVal']);
  // A type made in this transaction may be used with all its values.
  if (value === undefined || step.fields['oldVal'] !== undefined || step.state.enums.has(type)) return [];
  step.state.enumValues.set(value, type);
  return [{ message: `ALTER TYPE ${type} ADD VALUE '${value}' in a transaction`, weight: 'notice' }];
}

function usedValues(step: Step): readonly Hit[] {
  const used = new Set<string>();
  visitNodes(asNodes([step.fields]), (type, fields) => {
    const text = type === 'sval' ? asText(fields['sval']) : undefined;
    if (text !== undefined && step.state.enumValues.has(text)) used.add(text);
  });
  return [...used].map((value): Hit => {
    step.state.enumValues.delete(value);
    return { message: `'${value}' is used in the transaction that added it to its type`, weight: 'error' };
  });
}
