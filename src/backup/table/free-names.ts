import { quoteName } from '../../postgres/quote.ts';
import { TABLE_MARK, type TableDefinition } from './definition.ts';

/** An index, or a constraint that is one, that did not get the name it had. */
export interface RenamedIndex {
  readonly from: string;
  readonly to: string;
}

/** Constraints that are indexes: those share their names with the tables of the schema, a check's is its table's alone. */
const INDEXED = /^(?:PRIMARY KEY|UNIQUE|EXCLUDE)\b/;

/**
 * The definition with names for its indexes, those of constraints too, that are not in `taken`, which gets them: a name in a schema is one
 * table's, index's or sequence's. `table` is the name it has there.
 */
export function withFreeNames(definition: TableDefinition, table: string, taken: Set<string>): TableDefinition {
  const own = new Set([...definition.constraints, ...definition.indexes].map(({ name }) => name));
  const isFree = (name: string, wanted: string): boolean => !taken.has(name) && (name === wanted || !own.has(name));
  const free = (name: string): string => {
    let chosen = isFree(name, name) ? name : clip(`${table}_${name}`);
    for (let number = 2; !isFree(chosen, name); number += 1) chosen = `${clip(`${table}_${name}`, 58)}_${number}`;
    taken.add(chosen);
    return chosen;
  };
  return {
    ...definition,
    constraints: definition.constraints.map(({ name, definition: text }) => ({
      name: INDEXED.test(text) ? free(name) : name,
      definition: text,
    })),
    indexes: definition.indexes.map(({ name, definition: text }) => {
      const chosen = free(name);
      const [head = '', ...rest] = text.split(` ON ${TABLE_MARK}`);
      const renamed = `${head.slice(0, head.indexOf(' INDEX ') + ' INDEX '.length)}${quoteName(chosen)}`;
      return { name: chosen, definition: chosen === name ? text : [renamed, ...rest].join(` ON ${TABLE_MARK}`) };
    }),
  };
}

/** Names longer than PostgreSQL's are cut, and never within a character. */
export function clip(name: string, bytes = 63): string {
  if (Buffer.byteLength(name) <= bytes) return name;
  return Buffer.from(name)
    .subarray(0, bytes)
    .toString('utf8')
    .replace(/\ufffd+$/, '');
}

/** What {@link withFreeNames} has changed. */
export function renamedIndexes(before: TableDefinition, after: TableDefinition): readonly RenamedIndex[] {
  const names = ({ constraints, indexes }: TableDefinition): readonly string[] => [...constraints, ...indexes].map(({ name }) => name);
  const now = names(after);
  return names(before).flatMap((from, index) => {
    const to = now[index] ?? from;
    return to === from ? [] : [{ from, to }];
  });
}
