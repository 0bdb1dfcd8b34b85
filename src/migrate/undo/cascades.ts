import { TRUNCATE_CASCADE, type Loss, type TableName } from './losses.ts';

/** A foreign key: what it does to its own table when rows of the other one go or change. */
export interface ForeignKeyFacts {
  readonly table: TableName;
  readonly columns: readonly string[];
  readonly references: TableName;
  /** In the order of `columns`. */
  readonly referenced: readonly string[];
  readonly onDelete: KeyAction;
  readonly onUpdate: KeyAction;
}

/** `set`: to null or to the default. */
export type KeyAction = 'cascade' | 'set' | 'none';

/** What further losses follow from `losses` by these foreign keys, each once; not those that are among them already. */
export function cascadedLosses(losses: readonly Loss[], keys: readonly ForeignKeyFacts[]): readonly Loss[] {
  const known = new Set(losses.map(keyOf));
  const found: Loss[] = [];
  const queue = [...losses];
  for (let loss = queue.shift(); loss !== undefined; loss = queue.shift()) {
    for (const next of keys.flatMap((key) => follow(loss, key))) {
      if (known.has(keyOf(next))) continue;
      known.add(keyOf(next));
      found.push(next);
      queue.push(next);
    }
  }
  return found;
}

function follow(loss: Loss, key: ForeignKeyFacts): readonly Loss[] {
  if (loss.kind !== 'rows' && loss.kind !== 'column') return [];
  if (loss.table.schema !== key.references.schema || loss.table.name !== key.references.name) return [];
  const { table } = key;
  if (loss.kind === 'column') {
    const at = key.referenced.indexOf(loss.column);
    const column = key.columns[at];
    // A dropped column takes its foreign keys along, and leaves the columns that pointed to it as they are.
    if (loss.by.startsWith('DROP') || key.onUpdate === 'none' || column === undefined) return [];
    return [{ kind: 'column', table, column, by: key.onUpdate === 'cascade' ? 'ON UPDATE CASCADE' : 'ON UPDATE SET' }];
  }
  if (loss.by === 'TRUNCATE') return [];
  if (loss.by === TRUNCATE_CASCADE) return [{ kind: 'rows', table, by: TRUNCATE_CASCADE }];
  if (key.onDelete === 'cascade') return [{ kind: 'rows', table, by: 'ON DELETE CASCADE' }];
  return key.onDelete === 'none' ? [] : key.columns.map((column) => ({ kind: 'column', table, column, by: 'ON DELETE SET' }));
}

function keyOf(loss: Loss): string {
  if (loss.kind === 'schema') return JSON.stringify([loss.kind, loss.schema]);
  return JSON.stringify([loss.kind, loss.table.schema, loss.table.name, loss.kind === 'column' ? loss.column : '']);
}
