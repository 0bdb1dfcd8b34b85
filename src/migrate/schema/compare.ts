import { diffLines } from '../files/diff.ts';
import { withoutPlaces, SqlSyntaxError, type SqlParser } from '../sql/parser.ts';
import { describeObject, type Difference } from './difference.ts';
import { keyOf, readDump, type DumpedObject } from './dump.ts';
import { compareTables, isTable } from './tables.ts';

/**
 * The objects in which two canonical dumps differ, in the order of the first and then the second. Tables are compared by column
 * and constraint. Two statements are equal when they parse to the same tree: how they are written does not count, the text
 * inside a function does. `shown` is how messages name the first.
 *
 * @throws {DbadminError} `migration-invalid` when a text is no dump.
 */
export function compareSchemas(before: string, after: string, parser: SqlParser, shown = 'the schema'): readonly Difference[] {
  if (before === after) return [];
  const [left, right] = [byKey(readDump(before, shown)), byKey(readDump(after, 'the schema compared with'))];
  const differences: Difference[] = [];
  for (const [key, object] of left) {
    const other = right.get(key);
    if (other === undefined) differences.push(whole('removed', object));
    else differences.push(...compareObjects(object, other, parser));
  }
  for (const [key, object] of right) if (!left.has(key)) differences.push(whole('added', object));
  return differences;
}

function byKey(objects: readonly DumpedObject[]): ReadonlyMap<string, DumpedObject> {
  return new Map(objects.map((each) => [keyOf(each), each]));
}

function whole(change: 'added' | 'removed', object: DumpedObject): Difference {
  const mark = change === 'added' ? '+' : '-';
  const lines = textOf(object).split('\n');
  return { change, ...describeObject(object), diff: lines.map((line) => `${mark} ${line}`.trimEnd()) };
}

function compareObjects(before: DumpedObject, after: DumpedObject, parser: SqlParser): readonly Difference[] {
  const [left, right] = [textOf(before), textOf(after)];
  if (left === right || sameMeaning(before, after, parser)) return [];
  if (isTable(before)) {
    const found = compareTables(before, after, parser);
    if (found !== undefined) return found;
  }
  return [{ change: 'changed', ...describeObject(before), diff: diffLines(left, right) }];
}

function textOf({ statements }: DumpedObject): string {
  return statements.map((statement) => `${statement};`).join('\n');
}

function sameMeaning(before: DumpedObject, after: DumpedObject, parser: SqlParser): boolean {
  if (before.statements.length !== after.statements.length) return false;
  try {
    return before.statements.every((statement, index) => meaning(statement, parser) === meaning(after.statements[index] ?? '', parser));
  } catch (error) {
    // A server newer than the parser may print what it does not know: then the texts decide.
    if (error instanceof SqlSyntaxError) return false;
    throw error;
  }
}

function meaning(statement: string, parser: SqlParser): string {
  return JSON.stringify(withoutPlaces(parser.parse(statement)));
}
