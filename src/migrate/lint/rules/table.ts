import type { Rule } from '../rule.ts';
import { addColumnCheck, addColumnNotNull, addColumnVolatileDefault, setNotNull, typeChange } from './columns.ts';
import { checkNotValid, foreignKeyNotValid, uniqueConstraint, validateSameTransaction } from './constraints.ts';
import { dangerousSql } from './dangerous.ts';
import { dropDestructive, wholeTableDml } from './data.ts';
import { dropForeignKey, dropTableWithForeignKey, foreignKeyOnCreate } from './foreign-keys.ts';
import { concurrentInTransaction, concurrentWithOthers, dropIndexNotConcurrent, indexNotConcurrent } from './indexes.ts';
import { rename } from './names.ts';
import { materializedView, partition, policyRls, rewriteCommand, triggerDdl } from './tables.ts';
import { enumAddUse, mixedTables } from './transactions.ts';

/** All rules, in the order of the manual. */
export const RULES: readonly Rule[] = [
  indexNotConcurrent,
  dropIndexNotConcurrent,
  concurrentInTransaction,
  concurrentWithOthers,
  addColumnVolatileDefault,
  addColumnNotNull,
  addColumnCheck,
  typeChange,
  setNotNull,
  checkNotValid,
  foreignKeyNotValid,
  validateSameTransaction,
  uniqueConstraint,
  dropForeignKey,
  dropTableWithForeignKey,
  foreignKeyOnCreate,
  triggerDdl,
  policyRls,
  partition,
  rewriteCommand,
  materializedView,
  wholeTableDml,
  mixedTables,
  rename,
  dropDestructive,
  enumAddUse,
  dangerousSql,
];

const FOR_ALL = RULES.filter(({ on }) => on.length === 0);
const BY_TYPE = new Map<string, readonly Rule[]>();

/** The rules that look at statements of a type, in the order of the table. */
export function rulesFor(type: string): readonly Rule[] {
  const known = BY_TYPE.get(type);
  if (known !== undefined) return known;
  const found = RULES.filter((rule) => FOR_ALL.includes(rule) || rule.on.includes(type));
  BY_TYPE.set(type, found);
  return found;
}
